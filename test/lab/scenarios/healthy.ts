/** The update that all others are measured by: nothing goes wrong. */

import assert from 'node:assert/strict'
import { hello } from '../../e2e/helpers/project.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'

export const healthy: Scenario = {
  name: 'healthy',
  title: 'an update runs, is what boots, and survives reboots and power cuts',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const gate = await fleet.device({ name: 'gate' })
    const message = () => gate.host.must(['cat', '/etc/hello'])

    const deploy = async (version: string) => {
      await fleet.operator.commit(version, { 'configs/hello.json': hello(version) })
      const rollout = await fleet.operator.json('deploy', '-m', version, '--timeout', '240')
      assert.deepEqual([rollout.complete, rollout.failed], [true, []])
    }
    await deploy('one')
    await trials.of('none', async () => {
      await deploy('two')
      assert.equal(await message(), 'two')
      assert.equal(await gate.host.unit('hello.service', 'ActiveState'), 'active')
    })
    await trials.of('reboot after the update', async () => {
      await gate.host.reboot()
      assert.equal(await message(), 'two')
    })
    await trials.of('power cut after the update', async () => {
      await gate.host.powerCut()
      await gate.host.boot()
      assert.equal(await message(), 'two')
    })
  },
}
