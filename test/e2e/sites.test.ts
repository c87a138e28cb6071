/** Tests of a site's own operator, with real processes: without a key of the fleet, the operator moves only its devices. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { LogEvent } from '../../controller/api/schemas/trust.ts'
import { nixSkip } from '../nix/workshop.ts'
import type { Device } from './helpers/device.ts'
import { type ErrorJson, Fleet } from './helpers/fleet.ts'
import { type Ended, freePort, runThymesh, until } from './helpers/processes.ts'
import { hello } from './helpers/project.ts'

interface StatusJson {
  release: number | null
  sites: Record<string, number>
  devices: { device: string; follows: string | null; releaseSite: string | null; release: number; state: string }[]
}

describe('a site with an operator of its own', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let device: Device

  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
    device = await fleet.device('first')
    device.start(await fleet.token('--site', 'berlin', '--bootstrap', device.address))
    await fleet.commit('Version 1', { 'configs/hello.json': hello('version 1') })
    await fleet.json('deploy', '-m', 'version 1', '--timeout', '240')
  })
  after(() => fleet.remove())

  async function asKim(...args: string[]): Promise<Ended> {
    const env = { ...fleet.env, THYMESH_HOME: join(fleet.directory, 'kim') }
    return await runThymesh([...args, '--json'], { cwd: fleet.project, env })
  }

  /** Kim's controller has no metadata at first, and orders wait only seconds for news. */
  async function kimHears(isSo: (status: StatusJson) => boolean): Promise<void> {
    await until('kim to hear of it', async () => isSo(JSON.parse((await asKim('status', '--wait', '60')).stdout)))
  }

  it('lets a site operator join with a token, and the fleet give the site away', async () => {
    const token = await fleet.token('--relay', '--names', 'kim', '--bootstrap', device.address)
    const listen = ['--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`, '--no-mdns']
    const made = await asKim('key', 'new', '--operator', 'kim', '--join', token, '--no-passphrase', ...listen)
    assert.equal(made.code, 0, made.stdout + made.stderr)
    const { card } = JSON.parse(made.stdout) as { card: string }
    assert.equal((await fleet.error('site', 'revoke', 'berlin', '--yes')).code, 'unknown-site')
    const wrong = ['site', 'delegate', 'berlin', '--operator', card, '--threshold', '2', '--yes']
    assert.equal((await fleet.error(...wrong)).code, 'threshold')
    const given = await fleet.json<{ published: boolean }>('site', 'delegate', 'berlin', '--operator', card, '--yes')
    assert.equal(given.published, true)
    const { sites } = await fleet.json<{ sites: { site: string; release: null }[] }>('site', 'list')
    assert.deepEqual(
      sites.map(({ site, release }) => [site, release]),
      [['berlin', null]],
    )
  })

  it("brings the site's release to its device, once an operator of the fleet has published it", async () => {
    await fleet.commit('Version 2', { 'configs/hello.json': hello('version 2') })
    await kimHears(({ release }) => release !== null)
    const elsewhere = await asKim('deploy', '--site', 'paris', '--no-wait')
    assert.equal((JSON.parse(elsewhere.stdout) as ErrorJson).error.code, 'unknown-site')
    const deploying = asKim('deploy', '--site', 'berlin', '-m', 'of kim', '--timeout', '120')
    const approved = await fleet.run('approve', 'berlin/1', '--yes', '--news', '120', '--timeout', '240', '--json')
    const deployed = await deploying
    assert.equal(approved.code, 0, approved.stdout + approved.stderr)
    assert.equal(deployed.code, 0, deployed.stdout + deployed.stderr)
    assert.match((await device.etc('hello')) ?? '', /version 2/)
    const { devices, sites } = await fleet.json<StatusJson>('status', '--wait', '60')
    assert.deepEqual(sites, { berlin: 1 })
    assert.deepEqual(
      devices.map(({ device, follows, releaseSite, release }) => [device, follows, releaseSite, release]),
      [['first', 'berlin', 'berlin', 1]],
    )
  })

  it("tells the site's versions from the fleet's, and gives a site operator no logs", async () => {
    const asked = asKim('logs', 'first', '--wait', '120')
    const history = await fleet.run('device', 'first', '--wait', '60')
    const { events } = await fleet.json<{ events: LogEvent[] }>('log', '--wait', '0')
    const logs = await asked
    assert.match(history.stdout, /release +berlin\/1 \(/)
    assert.match(history.stdout, /berlin\/1 +running.*\n2 +running/s)
    const releases = events.filter(({ what, site }) => what === 'release' && site !== null)
    assert.deepEqual(
      releases.map(({ site, version, message, signers }) => [
        site,
        version,
        message,
        signers.map(({ operator }) => operator),
      ]),
      [['berlin', 1, 'of kim', [null]]],
    )
    // It lists the keys that signed it, and the operator who published it.
    const words = events.filter(({ what, site }) => what !== 'release' && site !== null)
    assert.deepEqual(words.map(({ what, signers: [by] }) => [what, typeof by?.operator, by?.claims]).sort(), [
      ['approved', 'string', undefined],
      ['proposed', 'object', 'kim'],
    ])
    assert.equal((JSON.parse(logs.stdout) as ErrorJson).error.code, 'not-served')
    // Its keys are none of the fleet's: no token of theirs lets anyone in, no revocation counts.
    for (const refused of [await asKim('token'), await asKim('revoke', 'first')]) {
      assert.equal((JSON.parse(refused.stdout) as ErrorJson).error.code, 'not-asked')
    }
  })

  it("follows the fleet's release again when the site is taken back", async () => {
    const { published } = await fleet.json<{ published: boolean }>('site', 'revoke', 'berlin', '--yes')
    assert.equal(published, true)
    await fleet.commit('Version 3', { 'configs/hello.json': hello('version 3') })
    await fleet.json('deploy', '-m', 'version 3', '--timeout', '240')
    assert.match((await device.etc('hello')) ?? '', /version 3/)
    await kimHears(({ sites }) => sites.berlin === undefined)
    const refused = await asKim('deploy', '--site', 'berlin', '--no-wait')
    assert.equal((JSON.parse(refused.stdout) as ErrorJson).error.code, 'unknown-site')
  })
})
