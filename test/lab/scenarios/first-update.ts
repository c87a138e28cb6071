/** The very first update of a machine fails: there is no generation to go back to, and nothing of it may stay. */

import assert from 'node:assert/strict'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { Updates } from './updates.ts'

const failing = `units."bad.service" = {
  Service.Type = "oneshot"; Service.ExecStart = "/bin/false"; wantedBy = [ "multi-user.target" ];
};`

export const firstUpdate: Scenario = {
  name: 'first-update',
  title: "a machine's first update that fails leaves nothing of itself",
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    const { host } = updates.device
    await trials.of('a unit of the first generation fails', async () => {
      const row = await updates.deploy('one', { portable: failing })
      assert.deepEqual([row.state, row.error?.code, row.running], ['rolled-back', 'degraded', null])
      assert.equal((await host.exec(['readlink', '/run/current-system'])).stdout, '')
      assert.equal(await updates.boots(), '')
      assert.equal(await updates.message(), '')
      assert.equal(await host.unit('hello.service', 'LoadState'), 'not-found')
    })
    await trials.of('mended', () => updates.deployed('two'))
  },
}
