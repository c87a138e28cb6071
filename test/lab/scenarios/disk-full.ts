/** A disk with too little room for an update. */

import assert from 'node:assert/strict'
import { blobModule, hello } from '../../e2e/helpers/project.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { Updates } from './updates.ts'

export const diskFull: Scenario = {
  name: 'disk-full',
  title: 'an update without room is not begun, and goes through once there is some',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const gate = await fleet.device({ name: 'gate', diskMegabytes: 400 })
    const updates = new Updates(fleet, gate)
    await updates.deployed('one')
    await fleet.operator.commit('two', {
      'modules/blob.nix': blobModule,
      'configs/hello.json': hello('two', { extra: {}, blob: { megabytes: 100 } }),
    })
    await trials.of('disk full', async () => {
      gate.disk?.fill(90)
      await fleet.operator.run('deploy', '-m', 'two', '--timeout', '15')
      await gate.until('to report', async () => (await updates.status()).error?.code === 'disk-full')
      await updates.is('one')
    })
    await trials.of('room again', async () => {
      gate.disk?.clear()
      const { complete } = await fleet.operator.json('deploy', '--timeout', '85')
      assert.equal(complete, true)
      await updates.is('two')
    })
  },
}
