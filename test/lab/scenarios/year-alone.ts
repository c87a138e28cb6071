/** A year alone: a site without a network, a controller and a clock gets its releases by one stick, and sends its outbox home. */

import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FleetStatus } from '../../../controller/api/schemas/status.ts'
import type { Why } from '../../../controller/api/schemas/why.ts'
import { hello } from '../../e2e/helpers/project.ts'
import type { LabDevice } from '../device.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'

const yearSeconds = 365 * 86_400
const names = ['mast', 'bow', 'keel', 'stern'] as const
/** Where a person would mount the stick. */
const stick = '/mnt/stick'

/** From version two on, it fails on one machine and nowhere else. */
const pickyModule = `{
  portable = _: {
    units."picky.service" = {
      Service.Type = "oneshot";
      Service.ExecStart = "/bin/sh -c 'case $(cat /etc/hostname) in keel-*) exit 1; esac'";
      wantedBy = [ "multi-user.target" ];
    };
  };
  policy = _: { health.settleSeconds = 1; confirm = { deadlineSeconds = 60; peers = 0; }; };
}`
const policyModule = `{
  portable = _: { };
  policy = _: { health.settleSeconds = 1; confirm = { deadlineSeconds = 60; peers = 0; }; };
}`

const message = async (device: LabDevice) => (await device.host.exec(['cat', '/etc/hello'])).stdout.trim()

export const yearAlone: Scenario = {
  name: 'year-alone',
  title:
    'a site without network, controller and clock joins, updates in waves from one stick, and sends its outbox home',
  async run(trials) {
    await using fleet = await LabFleet.create(...names)
    const { operator } = fleet
    const ship = await fleet.otherNetwork()
    const tokens = await operator.token('--site', 'ship')
    const devices = new Map<string, LabDevice>()
    const device = (name: string) => devices.get(name) ?? assert.fail(name)
    const launch = async (name: string) => {
      const settings = { clock: 'none' as const }
      const files = { '/var/lib/lab/clock': String(-yearSeconds) }
      devices.set(name, await fleet.device({ name, network: ship, site: 'ship', settings, files, token: tokens }))
    }
    const release = async (version: string, file: string, modules: Record<string, object>, rollout?: object) => {
      const declared = names.map(name => {
        const tags = name === 'mast' ? { tags: ['canary'] } : {}
        return [`devices/${name}.json`, { config: 'hello', site: 'ship', ...tags }] as const
      })
      await operator.commit(version, {
        ...Object.fromEntries(declared),
        'tags/canary.json': {},
        'modules/picky.nix': pickyModule,
        'modules/policy.nix': policyModule,
        'configs/hello.json': hello(version, modules),
        'rollout.json': rollout,
      })
      // Nobody is in reach: it is signed, and waits at home.
      await operator.run('deploy', '-m', version, '--timeout', '1', '--json')
      await operator.json('bundle', 'write', file, '--for', 'ship', '--wait', '0')
    }
    const take = async (name: string, file: string) => {
      const { host } = device(name)
      await host.must(['sh', '-c', `mkdir -p ${stick} && cat >${stick}/news.thymesh`], { input: await readFile(file) })
      const program = '/var/lib/thymesh/bin/thymesh'
      // The daemon writes it at the end of its start.
      await device(name).until('to have its program', async () => (await host.exec(['test', '-x', program])).code === 0)
      const taken = await host.exec([program, 'bundle', 'take', `${stick}/news.thymesh`, '--json'], {
        timeout: 240_000,
      })
      assert.equal(taken.code, 0, `${taken.stdout}${taken.stderr}\n${await device(name).lastLines()}`)
    }
    const reads = (name: string, text: string) =>
      device(name).until(`to say ${text}`, async () => (await message(device(name))) === text)

    await trials.of('three devices join by a token, and start from one stick', async () => {
      await release('one', join(operator.directory, 'one.thymesh'), { policy: {} })
      for (const name of names.slice(0, 3)) await launch(name)
      await take('bow', join(operator.directory, 'one.thymesh'))
      for (const name of names.slice(0, 3)) await reads(name, 'one')
    })
    await trials.of('a fourth device joins where nobody of the fleet but devices is', async () => {
      await launch('stern')
      await reads('stern', 'one')
    })
    await trials.of('the site updates from one stick: the canary first, and one fails and rolls back', async () => {
      const file = join(operator.directory, 'two.thymesh')
      await release('two', file, { picky: {} }, { waves: [{ tag: 'canary' }], soakSeconds: 3 })
      const waited = await device('stern').countLogged('rollout: wave 1 has')
      const log = 'rollout: the waves before have confirmed'
      await take('bow', file)
      for (const name of ['mast', 'bow', 'stern']) await reads(name, 'two')
      await device('keel').logged('"state":"rolled-back"', 0)
      assert.equal(await message(device('keel')), 'one')
      const waits = await device('stern').countLogged('rollout: wave 1 has')
      assert.ok(waits > waited || (await device('stern').countLogged(log)) > 0, 'stern waited for the canary')
    })
    await trials.of('power cuts and a clock a year further change nothing', async () => {
      for (const name of names) await device(name).moveClock(yearSeconds)
      for (const name of names) await device(name).host.powerCut()
      for (const name of names) await device(name).host.boot()
      for (const name of ['mast', 'bow', 'stern']) await reads(name, 'two')
      await reads('keel', 'one')
      const { stdout } = await device('keel').host.exec(['/var/lib/thymesh/bin/thymesh', 'why', '--json'])
      const own = JSON.parse(stdout) as Why
      assert.equal(own.verdict, 'failed-for-good', own.text)
    })
    await trials.of('the outbox goes home: the controller knows it all', async () => {
      const { host } = device('stern')
      await host.must(['/var/lib/thymesh/bin/thymesh', 'carry', 'out', stick])
      const sealed = await host.must(['sh', '-c', `base64 ${stick}/thymesh-outbox/stern-1.age`])
      const home = join(operator.directory, 'stick', 'thymesh-outbox')
      await mkdir(home, { recursive: true })
      await writeFile(join(home, 'stern-1.age'), Buffer.from(sealed, 'base64'))
      const before = await operator.json<FleetStatus>('status', '--wait', '0')
      assert.ok(before.devices.every(({ state }) => state === 'unseen'))
      await operator.json('carry', 'in', join(operator.directory, 'stick'))
      const { devices: rows } = await operator.json<FleetStatus>('status', '--wait', '0')
      const known = rows.map(({ device: name, state, release: version, freshness }) => [
        name,
        state,
        version,
        freshness,
      ])
      assert.deepEqual(known, [
        ['bow', 'running', 3, 'unknown'],
        ['keel', 'rolled-back', 2, 'unknown'],
        ['mast', 'running', 3, 'unknown'],
        ['stern', 'running', 3, 'unknown'],
      ])
      const why = await operator.json<Why>('why', 'keel', '--wait', '0')
      assert.equal(why.verdict, 'failed-for-good')
      assert.match(why.text, /picky\.service/)
    })
  },
}
