/** Several peers that can send, on one clock: each alert is sent once, by another one after a kill, and never lost. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { markOf } from '../../protocol/alerts/reported.ts'
import type { AlertChannel, Alerts } from '../../protocol/alerts/rules.ts'
import { began, channels, fullDisk, isLaptop, Site, since } from '../../test/helpers/alerting-site.ts'
import { lookMs, sendAgainLastMs, stepInMs } from './limits.ts'

const hubs = ['hub-1', 'hub-2', 'hub-3']
const many = Array.from({ length: 12 }, (_, each) => ({ ...fullDisk, name: `rule-${each}` }))

describe('peers that can send', () => {
  it('are controllers too: they step in where no device sends, one of them, and devices know it', async () => {
    const site = await new Site().add(...hubs, 'laptop-1', 'laptop-2')
    site.take = async by => {
      if (!isLaptop(by)) throw new Error('no Internet here')
    }
    await site.report('sick', [{ rule: 'disk-full', since }])
    await site.pass(2 * stepInMs)
    assert.deepEqual(site.sent, [])
    await site.pass(3 * stepInMs)
    assert.deepEqual(site.told, ['sick disk-full began'])
    site.take = async () => {}
    await site.pass(20 * stepInMs)
    assert.equal(site.sent.length, 1)
  })

  it('are controllers alone where no device can: at once, and another one after a kill', async () => {
    const site = await new Site().add('laptop-1', 'laptop-2', 'laptop-3')
    site.channels = { ops: { ...channels.ops, by: { devices: [] } } as AlertChannel }
    const tries: string[] = []
    site.take = async by => {
      tries.push(by)
      if (tries.length === 1) throw new Error('cut off')
    }
    await site.report('sick', [{ rule: 'disk-full', since }])
    await site.pass(lookMs)
    assert.equal(tries.length, 1)
    const first = site.hubs.find(({ name }) => name === tries[0]) ?? assert.fail()
    first.isAlive = false
    await site.pass(5 * stepInMs)
    assert.deepEqual([site.sent.length, tries.length], [1, 2])
  })

  it('send each alert and each end once, within ten seconds', async () => {
    const site = await new Site(many).add(...hubs)
    await site.report(
      'sick',
      many.map(({ name }) => ({ rule: name, since })),
    )
    await site.pass(10_000)
    assert.deepEqual(site.told.sort(), many.map(({ name }) => `sick ${name} began`).sort())
    assert.ok(new Set(site.sent.map(({ by }) => by)).size > 1, 'the work is spread')
    await site.pass(10 * stepInMs)
    await site.report(
      'sick',
      many.map(({ name }) => ({ rule: name, since, until: since + 600 })),
    )
    await site.pass(10 * stepInMs)
    assert.equal(site.told.length, 2 * many.length)
    assert.equal(new Set(site.told).size, 2 * many.length)
  })

  it('step in for one that is gone, and lose nothing', async () => {
    const site = await new Site(many).add(...hubs)
    for (const gone of site.hubs.slice(0, 2)) gone.isAlive = false
    await site.report(
      'sick',
      many.map(({ name }) => ({ rule: name, since })),
    )
    await site.pass(3 * stepInMs)
    assert.deepEqual(site.told.sort(), many.map(({ name }) => `sick ${name} began`).sort())
  })

  it('send at most twice when one is killed between sending and saying so', async () => {
    const site = await new Site([fullDisk]).add(...hubs)
    site.take = async by => {
      const hub = site.hubs.find(({ name }) => name === by)
      if (hub !== undefined && site.sent.length === 0) hub.isAlive = false
    }
    // The dead one's word reaches nobody.
    for (const { notifier } of site.hubs) notifier.removeAllListeners('told')
    for (const { notifier, name } of site.hubs) {
      notifier.on('told', () => {
        if (site.hubs.find(each => each.name === name)?.isAlive) void site.report(name, [])
      })
    }
    await site.report('sick', [{ rule: 'disk-full', since }])
    await site.pass(10 * stepInMs)
    assert.equal(site.sent.length, 2)
    assert.equal(new Set(site.sent.map(({ by }) => by)).size, 2)
  })

  it('try again for a day while a channel refuses, and send once', async () => {
    const site = await new Site().add(...hubs)
    let tries = 0
    site.take = async () => {
      tries++
      if (site.now < 86_400_000) throw new Error('500')
    }
    await site.report('sick', [{ rule: 'disk-full', since }])
    await site.pass(86_400_000 + 2 * sendAgainLastMs)
    assert.deepEqual(site.told, ['sick disk-full began'])
    assert.ok(tries < 3 * 200, `${tries} tries`)
  })

  it('tell the end alone where an alert ended before it could be told', async () => {
    const site = await new Site().add(...hubs)
    site.take = async () => {
      if (site.now < 600_000) throw new Error('500')
    }
    await site.report('sick', [{ rule: 'disk-full', since }])
    await site.pass(300_000)
    await site.report('sick', [{ rule: 'disk-full', since, until: since + 300 }])
    await site.pass(2 * 3_600_000)
    assert.deepEqual(site.told, ['sick disk-full ended'])
    assert.equal(site.sent[0]?.notices[0]?.beganAt?.getTime(), began)
  })

  it('mark what comes late from a dark site', async () => {
    const site = await new Site().add(...hubs)
    site.now = 20 * 86_400_000
    await site.report('sick', [{ rule: 'disk-full', since, until: since + 3600 }])
    await site.pass(10_000)
    assert.equal(site.sent[0]?.notices[0]?.late, true)
    assert.equal(site.sent[0]?.notices[0]?.endedAt?.getTime(), began + 3_600_000)
  })

  it('do not repeat themselves after a restart', async () => {
    const site = await new Site().add(...hubs)
    await site.report('sick', [{ rule: 'disk-full', since }])
    await site.pass(10_000)
    for (const hub of site.hubs) await site.restart(hub)
    await site.pass(10 * stepInMs)
    assert.equal(site.sent.length, 1)
  })

  it('wait in quiet times, and say nothing of what is over by then', async () => {
    // From 12:00 to 13:00 UTC.
    const quiet = [{ cron: '0 12 * * *', minutes: 60 }]
    const site = await new Site([{ ...fullDisk, quiet }]).add(...hubs)
    await site.report('sick', [{ rule: 'disk-full', since }])
    await site.pass(3_500_000)
    assert.deepEqual(site.told, [])
    await site.pass(200_000)
    assert.deepEqual(site.told, ['sick disk-full began'])
  })

  it('are silent where an operator says so', async () => {
    const site = await new Site().add(...hubs)
    for (const { book } of site.hubs) await book.silence({ device: 'sick', until: since + 3600, by: 'ada' })
    await site.report('sick', [{ rule: 'disk-full', since }])
    await site.pass(3_000_000)
    assert.deepEqual(site.told, [])
    await site.pass(700_000)
    assert.deepEqual(site.told, ['sick disk-full began'])
  })

  it('take silences from controllers, and from devices that can send, only', async () => {
    const site = await new Site().add('laptop-1', 'laptop-2')
    site.channels = { ops: { ...channels.ops, by: { devices: [] } } as AlertChannel }
    const silence = { until: since + 3600, by: 'x' }
    await site.report('laptop-2', [], [], [silence])
    await site.report('sick', [{ rule: 'disk-full', since }], [])
    await site.pass(3_000_000)
    assert.deepEqual(site.told, [])
    await site.report('laptop-2', [])
    await site.report('sick', [{ rule: 'disk-full', since }], [], [silence])
    await site.pass(10_000)
    assert.deepEqual(site.told, ['sick disk-full began'])
  })

  it('believe nobody that invents rules, or says that it has sent what it can not send', async () => {
    const site = await new Site().add(...hubs)
    await site.report('sick', [{ rule: 'invented', since }])
    await site.pass(10_000)
    assert.deepEqual(site.told, [])
    const mark = markOf({ peer: 'sick', rule: 'disk-full', since, ended: false }, 'ops')
    await site.report('sick', [{ rule: 'disk-full', since }], [mark])
    await site.pass(10_000)
    assert.deepEqual(site.told, ['sick disk-full began'])
  })

  it('notice a device that nobody hears of, once, and that it is back', async () => {
    const absent: Alerts['rules'][number] = { ...fullDisk, name: 'absent', when: { absent: '24h' } }
    const site = await new Site([{ ...absent, on: { devices: ['sick'] } }]).add(...hubs)
    await site.report('sick', [])
    await site.pass(23 * 3_600_000)
    assert.deepEqual(site.told, [])
    await site.pass(2 * 3_600_000)
    assert.deepEqual(site.told, ['sick absent began'])
    for (const hub of site.hubs) await site.restart(hub)
    await site.report('sick', [])
    await site.pass(3_600_000)
    assert.deepEqual(site.told, ['sick absent began', 'sick absent ended'])
  })
})
