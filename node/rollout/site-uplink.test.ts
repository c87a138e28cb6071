/** Tests of the budget of a site's uplink: shares, days, windows, restarts. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type SiteUplink, withUplinks } from '../../protocol/release/site-uplinks.ts'
import type { Report } from '../../protocol/report/report.ts'
import { type SpentUplink, spentExtension } from '../../protocol/report/spent-uplink.ts'
import { SiteUplinkBudget, uplinkUse } from './site-uplink.ts'

const MiB = 1024 ** 2
const noon = Date.parse('2026-01-31T12:00:00Z')
const tomorrow = noon + 86_400_000

class Site {
  readonly reports = new Map<string, Report>()
  readonly names: string[]
  readonly uplink: SiteUplink
  readonly kept = new Map<string, { day: string; bytes: number }>()

  constructor(names: string[], uplink: SiteUplink) {
    this.names = names
    this.uplink = uplink
  }

  async device(name: string): Promise<SiteUplinkBudget> {
    const certificate = (each: string) => ({ name: each, peer: each, role: 'device', site: 'ship' })
    const release = { version: 2, devices: {}, extensions: withUplinks(undefined, { ship: this.uplink }) }
    return await SiteUplinkBudget.load({
      own: {
        uplink: async () => this.kept.get(name),
        setUplink: async memory => void this.kept.set(name, memory),
      },
      certificate: () => certificate(name) as never,
      accepted: () => ({ release, sites: new Map() }) as never,
      members: () => this.names.map(certificate) as never,
      report: peer => this.reports.get(peer),
      isNear: peer => peer === 'near',
    })
  }

  /** A device reports what it has spent. */
  hears(name: string, spent: SpentUplink | undefined): void {
    this.reports.set(name, { extensions: spent && spentExtension(spent) } as unknown as Report)
  }
}

describe("the budget of a site's uplink", () => {
  it('bounds one device by the day', async () => {
    const budget = await new Site(['a'], { bytesPerDay: 10 * MiB }).device('a')
    assert.equal(budget.left(noon), 0, 'nothing before it has told the others')
    assert.deepEqual(budget.tell(true, noon), { day: '2026-01-31', bytes: 0, holds: 10 * MiB })
    assert.equal(budget.left(noon), 10 * MiB)
    assert.equal(budget.wakeAt(noon), Number.POSITIVE_INFINITY)
    budget.spend(10 * MiB, noon)
    assert.equal(budget.left(noon), 0)
    assert.ok(budget.wakeAt(noon) < tomorrow)
    assert.equal(budget.tell(true, tomorrow)?.holds, 10 * MiB)
    assert.equal(budget.left(tomorrow), 10 * MiB)
  })

  it('counts neither neighbours nor sites without a budget', async () => {
    const site = new Site(['a'], {})
    const budget = await site.device('a')
    assert.deepEqual([budget.counts('near'), budget.counts('far')], [false, true])
    assert.equal(budget.left(noon), Number.POSITIVE_INFINITY)
  })

  it('is not exceeded by all devices together, whoever reports when, and nearly used up', async () => {
    const names = ['a', 'b', 'c', 'd']
    const site = new Site(names, { bytesPerDay: 64 * MiB })
    const devices = await Promise.all(names.map(name => site.device(name)))
    let spent = 0
    let random = 7
    for (let round = 0; round < 2000; round++) {
      random = (random * 48_271) % 2_147_483_647
      const at = random % names.length
      const device = devices[at] ?? assert.fail()
      const bytes = Math.min(device.left(noon), 300_000)
      device.spend(bytes, noon)
      spent += bytes
      assert.ok(spent <= 64 * MiB, `${spent} after ${round} rounds`)
      if (random % 3 === 0) site.hears(names[at] ?? '', device.tell(true, noon))
    }
    assert.ok(spent > 63 * MiB, `${spent}`)
  })

  it('asks for a report when its part is used up, now and then, and gives back what it does not need', async () => {
    const site = new Site(['a', 'b'], { bytesPerDay: 10 * MiB })
    const budget = await site.device('a')
    let asked = 0
    budget.onShareUsed = () => void asked++
    assert.equal(budget.tell(true, noon)?.holds, 5 * MiB)
    budget.spend(5 * MiB, noon)
    for (let looks = 0; looks < 3; looks++) assert.equal(budget.left(noon), 0)
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(asked, 1)
    assert.equal(budget.tell(true, noon)?.holds, 7.5 * MiB)
    assert.equal(budget.tell(false, noon)?.holds, 5 * MiB)
  })

  it('is closed outside of its windows', async () => {
    const windows = [{ cron: '0 2 * * *', minutes: 60 }]
    const budget = await new Site(['a'], { bytesPerDay: 10 * MiB, windows }).device('a')
    const night = Date.parse('2026-02-01T02:30:00Z')
    budget.tell(true, noon)
    assert.equal(budget.left(noon), 0)
    budget.tell(true, night)
    assert.equal(budget.left(night), 10 * MiB)
  })

  it('remembers over a restart, and after a power cut rather counts too much than too little', async () => {
    const site = new Site(['a'], { bytesPerDay: 10 * MiB })
    const before = await site.device('a')
    before.spend(3 * MiB, noon)
    await new Promise(resolve => setImmediate(resolve))
    const after = async () => (await site.device('a')).tell(false, noon)?.bytes ?? 0
    const cut = await after()
    assert.ok(cut >= 3 * MiB && cut < 4 * MiB, `${cut}`)
    await before.stop()
    assert.equal(await after(), 3 * MiB)
  })

  it('tells what a site has used today', () => {
    const said = (day: string, bytes: number) =>
      ({ extensions: spentExtension({ day, bytes, holds: bytes }) }) as unknown as Report
    const reports = [said('2026-01-31', 4), said('2026-01-31', 5), said('2026-01-30', 90), undefined]
    assert.equal(uplinkUse({ bytesPerDay: 10 * MiB }, reports, new Date(noon)).spent, 9)
    const closed = uplinkUse({ windows: [{ cron: '0 2 * * *', minutes: 60 }] }, [], new Date(noon))
    assert.deepEqual([closed.open, closed.opensAt?.toISOString()], [false, '2026-02-01T02:00:00.000Z'])
  })
})
