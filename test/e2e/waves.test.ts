/** Waves with real processes: a failure holds the others, a promotion lets them go on, some go back, and what all of it shows. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { SearchedLogs } from '../../controller/api/schemas/device.ts'
import type { FleetRisks } from '../../controller/api/schemas/risks.ts'
import type { WaveStatus } from '../../controller/api/schemas/rollout.ts'
import type { FleetStatus } from '../../controller/api/schemas/status.ts'
import { nixSkip } from '../nix/workshop.ts'
import type { Device } from './helpers/device.ts'
import { Fleet, type RolloutJson } from './helpers/fleet.ts'
import { until } from './helpers/processes.ts'
import { hello } from './helpers/project.ts'

interface WavesJson {
  release: number
  complete: boolean
  waves: WaveStatus[]
}
interface DeviceJson {
  declared: { config: string; tags: string[]; wave: number }
  history: { release: number; outcome: string; code?: string }[]
  historyFrom: string
}

/** A file that a device of its own has already, which its switch refuses to replace. */
const obstacle = `{ portable = _: { etc."obstacle".text = "from the fleet"; }; }`

describe('a rollout in waves', { skip: nixSkip() }, () => {
  let fleet: Fleet
  const devices: Record<string, Device> = {}
  const named = (name: string): Device => devices[name] ?? assert.fail(name)

  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found('second', 'third')
    await fleet.commit('Version 1', {
      'configs/hello.json': hello('version 1'),
      'tags/canary.json': {},
      'devices/first.json': { config: 'hello', tags: ['canary'] },
      'modules/obstacle.nix': obstacle,
    })
    for (const name of ['first', 'second', 'third']) devices[name] = await fleet.device(name)
    const bootstrap = Object.values(devices).flatMap(({ address }) => ['--bootstrap', address])
    const token = await fleet.token(...bootstrap)
    for (const device of Object.values(devices)) device.start(token)
  })
  after(() => fleet.remove())

  /** Whether a device has what the newest release gives it in its store. */
  async function hasNewest(name: string): Promise<boolean> {
    type Released = { configs: Record<string, { topLevel: string }>; devices: Record<string, { config: string }> }
    const { configs, devices } = (await fleet.json<{ releases: Released[] }>('releases')).releases[0] ?? assert.fail()
    return existsSync(join(named(name).root, configs[devices[name]?.config ?? '']?.topLevel ?? assert.fail(name)))
  }

  it('brings the first version to all at once when the project says nothing', async () => {
    const rollout = await fleet.json('deploy', '-m', 'one', '--timeout', '240')
    assert.deepEqual([rollout.complete, rollout.failed], [true, []])
  })

  it('lets the second wave follow when the first has confirmed', async () => {
    await fleet.commit('Version 2', {
      'configs/hello.json': hello('version 2'),
      'rollout.json': { waves: [{ tag: 'canary' }], soakSeconds: 20 },
    })
    // All others ask the process that deploys: there is one controller of a fleet on a machine.
    const deploying = fleet.json('deploy', '-m', 'two', '--timeout', '240')
    await named('second').logged('that it waits', ({ msg }) => msg.startsWith('rollout: wave 1 has'))
    // Begun first: they have to see the soak, which is over soon.
    const watching = Promise.all([fleet.run('rollout', '--watch'), fleet.run('rollout', '--watch', '--json')])
    assert.equal((await fleet.error('site', 'revoke', 'berlin')).code, 'unknown-site')
    const [[watched, end], status, device, log, logs, diff, searched, canaries, risks] = await Promise.all([
      watching,
      fleet.json('status'),
      fleet.json<DeviceJson>('device', 'second'),
      fleet.json<{ events: { what: string; version: number }[] }>('log'),
      fleet.error('logs', 'second'),
      fleet.json<{ release: number; configs: { added: unknown[] }[] }>('diff'),
      fleet.run('logs', '--on', 'tag:canary', '--on', 'second', '--grep', 'hello', '--json'),
      // The canary may still be at it.
      until('the canary to run', async () => {
        const asked = ['status', '--on', 'tag:canary', '--is', 'running', '--find', 'HELLO']
        const canaries = await fleet.json<FleetStatus>(...asked)
        return canaries.devices.length > 0 && canaries
      }),
      fleet.json<FleetRisks>('status', '--risk'),
      fleet.json('root', 'show'),
      fleet.json('proposals'),
    ])
    // These daemons have no journal.
    const { devices: notRead } = JSON.parse(searched.stdout) as SearchedLogs
    assert.deepEqual(
      [searched.code, notRead.map(({ device, state }) => `${device} ${state}`)],
      [1, ['first unreached', 'second unreached']],
    )
    assert.deepEqual(
      canaries.devices.map(({ device, tags }) => [device, tags]),
      [['first', ['canary']]],
    )
    assert.deepEqual(
      risks.devices.map(({ hasHistory, certificateDays }) => [hasHistory, certificateDays !== null]),
      [
        ...[
          [true, true],
          [true, true],
          [true, true],
        ],
      ],
    )
    assert.equal((await fleet.error('status', '--on', 'tag:nobody')).code, 'unknown-device')
    assert.deepEqual([(await deploying).complete, watched.code, end.code], [true, 0, 0], watched.stderr + end.stderr)
    const drawn = watched.stdout.split('\n\n').join('\n')
    assert.match(drawn, /second +pending: wave 1 has 1 of 1 confirmed, soak ends in \d+ s/)
    assert.match(drawn, /2 +all others +2 of 2 +0 .*confirmed\n$/)
    assert.equal((JSON.parse(end.stdout) as WavesJson).complete, true)
    assert.equal(status.devices.length, 3)
    assert.equal(device.declared.wave, 2)
    assert.ok(log.events.some(({ what, version }) => what === 'release' && version === 3))
    assert.equal(logs.code, 'not-found')
    assert.deepEqual([diff.release, diff.configs.flatMap(({ added }) => added)], [3, []])
    const canary = await named('first').logLines()
    assert.ok(canary.every(({ msg }) => !msg.startsWith('rollout: wave')))
    const { waves, ...shown } = await fleet.json<WavesJson>('rollout', '--wait', '30')
    assert.equal(shown.complete, true)
    assert.deepEqual(
      waves.map(({ title, confirmed, state }) => [title, confirmed, state]),
      [
        ['tag canary', 1, 'confirmed'],
        ['all others', 2, 'confirmed'],
      ],
    )
  })

  it('waits for the maintenance window, and goes on when a release has none', async () => {
    // A minute every four years.
    const windows = [{ cron: '0 0 29 2 *', minutes: 1 }]
    const version = (modules: Record<string, object>) => ({
      'configs/hello.json': hello('version 2b', modules),
      'rollout.json': undefined,
    })
    await fleet.commit('Version 2b', version({ updates: { windows } }))
    const rows = await until('all to have fetched, and to wait', async () => {
      const ended = await fleet.run('deploy', '-m', 'window', '--timeout', '12', '--json')
      assert.equal(ended.code, 2, ended.stdout + ended.stderr)
      const { devices: rows } = JSON.parse(ended.stdout) as { devices: { state: string; turn: { reason: string } }[] }
      return rows.length === 3 && rows.every(({ state }) => state === 'queued') && (await hasNewest('first')) && rows
    })
    assert.match(rows[0]?.turn.reason ?? '', /^the maintenance window opens in \d+ days/)
    assert.equal(await named('first').etc('hello'), 'version 2\n')

    await fleet.commit('No window', version({ updates: {} }))
    assert.equal((await fleet.json('deploy', '-m', 'no window', '--timeout', '240')).complete, true)
    assert.equal(await named('first').etc('hello'), 'version 2b\n')
  })

  it('holds the others when the first wave fails, and says so', async () => {
    // As if the release were too large for one document, from here on: each device has a shard of its own.
    fleet.env.THYMESH_SHARD_ABOVE = '1'
    await fleet.commit('Version 3', {
      'configs/hello.json': hello('version 3', { obstacle: {} }),
      'rollout.json': { waves: [{ tag: 'canary' }], soakSeconds: 1, prefetch: false },
    })
    await writeFile(join(named('first').root, 'etc/obstacle'), 'mine')
    const ended = await fleet.run('deploy', '-m', 'three', '--timeout', '240', '--json')
    assert.equal(ended.code, 1, ended.stdout + ended.stderr)
    const rollout = JSON.parse(ended.stdout) as RolloutJson & { held: boolean }
    assert.deepEqual([rollout.complete, rollout.held, rollout.failed], [false, true, ['first']])
    await named('second').logged('that its part came', ({ msg }) => msg === 'shards of the release were fetched')
    assert.equal(await named('second').etc('hello'), 'version 2b\n')
    assert.deepEqual([await hasNewest('first'), await hasNewest('second')], [true, false], 'without a prefetch')

    const { waves } = await fleet.json<WavesJson>('rollout', '--wait', '30')
    assert.deepEqual(
      waves.map(({ state, reason }) => `${state}: ${reason}`),
      ['held: wave 1 has 1 of 1 failed: first', 'held: wave 1 has 1 of 1 failed: first'],
    )
    const text = await fleet.run('rollout', '--wait', '30')
    assert.match(text.stdout, /second +pending: wave 1 has 1 of 1 failed: first/)
    const status = await fleet.run('status', '--wait', '30')
    assert.match(status.stdout, /second: wave 2, held: wave 1 has 1 of 1 failed: first/)
  })

  it('goes on when it is promoted, without another try where it failed', async () => {
    const tried = (await named('first').logLines()).filter(({ msg }) => msg === 'activating').length
    const ended = await fleet.run('promote', '-m', 'go on', '--timeout', '240', '--json')
    assert.equal(ended.code, 1, ended.stdout + ended.stderr)
    const { complete, failed } = JSON.parse(ended.stdout) as RolloutJson
    assert.deepEqual([complete, failed], [true, ['first']])
    for (const name of ['second', 'third']) assert.equal(await named(name).etc('hello'), 'version 3\n')
    assert.equal((await named('first').logLines()).filter(({ msg }) => msg === 'activating').length, tried)
  })

  it('takes one device back, and leaves the others', async () => {
    const waitFor = ['--wait-for', 'second', '--wait-for', 'third', '--timeout', '240']
    // Its exit code says whether the first device had failed again by then, with what it still shall run.
    const ended = await fleet.run('rollback', '--device', 'second', '--to', '2', ...waitFor, '--json')
    const { complete, restores } = JSON.parse(ended.stdout) as RolloutJson
    assert.deepEqual([complete, restores], [true, 2], ended.stderr)
    assert.equal(await named('second').etc('hello'), 'version 1\n')
    assert.equal(await named('third').etc('hello'), 'version 3\n')
    assert.equal((await fleet.error('rollback', '--device', 'nobody')).code, 'unknown-device')
  })

  it('shows a device with its history', async () => {
    const first = await fleet.json<DeviceJson>('device', 'first', '--wait', '30')
    assert.deepEqual([first.declared.tags, first.declared.wave], [['canary'], 1])
    assert.equal(first.historyFrom, 'device')
    const outcomes = first.history.map(({ release, outcome }) => `${release} ${outcome}`)
    assert.deepEqual(outcomes.slice(-2), ['3 running', '2 running'])
    assert.ok(first.history.some(({ code }) => code === 'switch-failed'))
    const text = await fleet.run('device', 'first', '--wait', '30')
    assert.match(text.stdout, /RELEASE +OUTCOME/)
    assert.equal((await fleet.error('device', 'nobody')).code, 'unknown-device')
  })

  it('says what of the logs it cannot have', async () => {
    assert.equal((await fleet.error('logs', 'second')).code, 'not-found')
    assert.equal((await fleet.error('logs', 'second', '--unit', 'a;b.service')).code, 'invalid-unit')
    await named('third').stop()
    const notInReach = async () => (await fleet.error('logs', 'third', '--wait', '1')).code === 'not-in-reach'
    await until('the device to be out of reach', notInReach)
  })
})
