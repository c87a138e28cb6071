/** A visit to a site with real processes, and what `thymesh why` says of its devices, to the operator and on a device. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Planned } from '../../controller/api/schemas/orders.ts'
import type { FleetStatus } from '../../controller/api/schemas/status.ts'
import type { Visit } from '../../controller/api/schemas/visit.ts'
import type { Why } from '../../controller/api/schemas/why.ts'
import { nixSkip } from '../nix/workshop.ts'
import type { Device } from './helpers/device.ts'
import { type ErrorJson, Fleet } from './helpers/fleet.ts'
import { Daemon, runThymesh, until } from './helpers/processes.ts'
import { hello } from './helpers/project.ts'

type VisitJson = Visit & { collected: { device: string; history: number }[] }

describe('a visit', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let bow: Device
  let stern: Device
  let planned: Planned
  let shown: string

  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
    const ship = (name: string) => [`devices/${name}.json`, { config: 'hello', site: 'ship' }] as const
    const files = Object.fromEntries([ship('bow'), ship('stern'), ship('lost')])
    await fleet.commit('Version 1', { 'configs/hello.json': hello('version 1'), ...files })
    bow = await fleet.device('bow')
    stern = await fleet.device('stern')
    bow.start(await fleet.token('--site', 'ship'), '--bootstrap', stern.address)
    await fleet.json('deploy', '-m', 'version 1', '--wait-for', 'bow', '--timeout', '240')
    await bow.stop()
    const ship2 = { bytesPerDay: 8_000_000, bitsPerSecond: 1 }
    const budget = { 'uplinks.json': { sites: { ship: ship2 } } }
    await fleet.commit('Version 2', { 'configs/hello.json': hello('version 2'), ...budget })
    planned = await fleet.json<Planned>('deploy', '--plan')
    shown = (await fleet.run('deploy', '--plan')).stdout
    await fleet.run('deploy', '-m', 'version 2', '--timeout', '1', '--json')
  })
  after(() => fleet.remove())

  const why = (name: string) => fleet.json<Why>('why', name, '--wait', '0')

  it('is advised by the plan of the release, which signs nothing: by its uplink a stick is better', async () => {
    const [first, ship] = planned.sites
    assert.deepEqual([planned.release, planned.same, first?.site, first?.seconds], [3, false, null, null])
    assert.deepEqual([ship?.site, ship?.devices, ship?.unknown, ship?.stick], ['ship', 3, 2, true])
    assert.ok(ship && ship.bytes > 0 && ship.wire <= ship.bytes && ship.seconds === ship.wire * 8, JSON.stringify(ship))
    assert.match(shown, /A stick is better for ship: .*thymesh bundle write FILE --for ship/)
    const { releases } = await fleet.json<{ releases: { version: number; message: string }[] }>(
      'releases',
      '--wait',
      '0',
    )
    assert.deepEqual([releases[0]?.version, releases[0]?.message], [3, 'version 2'])
  })

  it('is advised by `why` before: the site has not heard of the release', async () => {
    const { verdict, text, next } = await why('bow')
    assert.equal(verdict, 'not-heard', text)
    assert.match(text, /^bow runs release 2\..*does not speak of release 3\. It is not connected to /)
    assert.match(next ?? '', /thymesh bundle write FILE --for ship/)
    assert.equal((await why('lost')).verdict, 'not-joined')
    const { code, hint } = await fleet.error('why', 'nobody', '--wait', '0')
    assert.equal(code, 'unknown-device')
    assert.match(hint ?? '', /bow, .*lost/)
  })

  it('says that no device is in reach where none is, and waits no longer than it is told', async () => {
    const ended = await fleet.run('visit', 'ship', '--wait', '0', '--timeout', '0')
    assert.equal(ended.code, 2, ended.stdout + ended.stderr)
    assert.match(ended.stdout, /Stay: .*; 3 of 3 not seen\./)
    assert.equal((await fleet.error('visit', 'paris', '--wait', '0')).code, 'unknown-site')
  })

  it('ends when the site goes on without the controller, and brings home what the devices know', async () => {
    bow.start()
    stern.start(await fleet.token('--site', 'ship'), '--bootstrap', bow.address)
    const visit = await fleet.json<VisitJson>('visit', '--until-may-leave', '--wait', '60', '--timeout', '240')
    assert.deepEqual([visit.sites, visit.mayLeave, visit.unseen.includes('lost')], [['ship'], true, true])
    assert.ok(visit.holders.includes('bow') || visit.holders.includes('stern'), visit.holders.join())
    assert.ok(visit.collected.length > 0)
  })

  it('asks a controller that already runs, and says who has all of it', async () => {
    const logFile = join(fleet.directory, 'serve.log')
    const serve = new Daemon([], { cwd: fleet.project, env: fleet.env, logFile, command: 'serve' })
    try {
      await until('the controller to serve', async () => (await readFile(logFile, 'utf8')).includes('in the mesh'))
      const both = async () => {
        const { devices } = await fleet.json<{ devices: { device: string; release: number }[] }>(
          'status',
          '--wait',
          '5',
        )
        return devices.filter(({ release }) => release === 3).length === 2
      }
      await until('both to run it', both, { explain: () => fleet.logs() })
      const ended = await fleet.run('visit', 'ship', '--until-may-leave', '--timeout', '240')
      assert.equal(ended.code, 0, ended.stdout + ended.stderr)
      assert.match(ended.stdout, /You may leave: bow and stern have all of it; 1 of 3 not seen\./)
      assert.match(ended.stdout, /Taken along: reports of 2 devices, histories of [12]/)
      assert.equal((await why('bow')).verdict, 'runs')
      const { uplinks } = await fleet.json<FleetStatus>('status', '--wait', '0')
      assert.deepEqual([uplinks.length, uplinks[0]?.site, uplinks[0]?.bytesPerDay], [1, 'ship', 8_000_000])
      assert.ok((uplinks[0]?.spent ?? 0) < 8_000_000)
    } finally {
      await serve.end('SIGTERM')
    }
  })

  it('is explained on a device too, without a project', async () => {
    const onDevice = async (...args: string[]) => {
      const ended = await runThymesh(['why', ...args, '--state', bow.state, '--json'], { cwd: '/', env: fleet.env })
      return JSON.parse(ended.stdout) as Why & ErrorJson
    }
    const own = await onDevice()
    assert.deepEqual([own.device, own.verdict, own.facts.asked.name], ['bow', 'runs', 'bow'])
    await until('it to have heard of its neighbour', async () => (await onDevice('stern')).verdict === 'runs')
    assert.equal((await onDevice('lost')).verdict, 'not-joined')
    assert.equal((await onDevice('nobody')).error.code, 'unknown-device')
    await stern.stop()
    await bow.stop()
    const ended = await runThymesh(['why', '--state', bow.state, '--json'], { cwd: '/', env: fleet.env })
    assert.equal((JSON.parse(ended.stdout) as ErrorJson).error.code, 'no-daemon')
  })
})
