/** Waves on real machines: a failing canary holds the others, a promotion lets them go on, restarts lose no soak time. */

import assert from 'node:assert/strict'
import type { WaveStatus } from '../../../controller/api/schemas/rollout.ts'
import type { RolloutJson } from '../../e2e/helpers/fleet.ts'
import { hello } from '../../e2e/helpers/project.ts'
import type { LabDevice } from '../device.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'

/** Fails on the machine that is the canary, and nowhere else. */
const pickyModule = `{
  portable = _: {
    units."picky.service" = {
      Service.Type = "oneshot";
      Service.ExecStart = "/bin/sh -c 'case $(cat /etc/hostname) in gate-*) exit 1; esac'";
      wantedBy = [ "multi-user.target" ];
    };
  };
  policy = _: { health.settleSeconds = 1; confirm = { deadlineSeconds = 60; peers = 0; }; };
}`

const message = async (device: LabDevice) => (await device.host.exec(['cat', '/etc/hello'])).stdout.trim()

export const waves: Scenario = {
  name: 'waves',
  title: 'a wave is held by a failure, promoted, and goes on by soak times that outlive a power cut',
  async run(trials) {
    await using fleet = await LabFleet.create('gate', 'north', 'south')
    const { operator } = fleet
    await operator.commit('one', {
      'tags/canary.json': {},
      'devices/gate.json': { config: 'hello', tags: ['canary'] },
      'modules/picky.nix': pickyModule,
      'configs/hello.json': hello('one'),
    })
    const gate = await fleet.device({ name: 'gate' })
    const north = await fleet.device({ name: 'north' })
    const south = await fleet.device({ name: 'south' })
    const deploy = async (...args: string[]) => {
      const { code, stdout, stderr } = await operator.run(...args, '--timeout', '85', '--json')
      return { code, stderr, rollout: JSON.parse(stdout) as RolloutJson & { held: boolean } }
    }
    const first = await deploy('deploy', '-m', 'one')
    assert.equal(first.code, 0, JSON.stringify(first))

    await trials.of('the first wave fails', async () => {
      await operator.commit('two', {
        'rollout.json': { waves: [{ tag: 'canary' }], soakSeconds: 1 },
        'configs/hello.json': hello('two', { picky: {} }),
      })
      const { code, rollout } = await deploy('deploy', '-m', 'two')
      assert.deepEqual([code, rollout.held, rollout.failed], [1, true, ['gate']], JSON.stringify(rollout))
      for (const device of [gate, north, south]) assert.equal(await message(device), 'one')
      const shown = await operator.json<{ waves: WaveStatus[] }>('rollout', '--wait', '3')
      assert.equal(shown.waves[1]?.reason, 'wave 1 has 1 of 1 failed: gate')
    })
    await trials.of('a held wave is promoted', async () => {
      const { code, rollout } = await deploy('promote')
      assert.deepEqual([code, rollout.complete, rollout.failed], [1, true, ['gate']], JSON.stringify(rollout))
      assert.deepEqual([await message(gate), await message(north), await message(south)], ['one', 'two', 'two'])
    })
    await trials.of('power cut while a wave waits', async () => {
      await operator.commit('three', {
        'rollout.json': { waves: [{ tag: 'canary' }], soakSeconds: 12 },
        'configs/hello.json': hello('three'),
      })
      const soaked = await north.countLogged('soak ends in')
      const deploying = deploy('deploy', '-m', 'three')
      await north.logged('soak ends in', soaked)
      await north.host.powerCut()
      await north.host.boot()
      const { code, rollout } = await deploying
      assert.equal(code, 0, JSON.stringify(rollout))
      for (const device of [gate, north, south]) assert.equal(await message(device), 'three')
    })
  },
}
