/** Settings of a generation that the running machine can't take: the device's signed report names them. */

import assert from 'node:assert/strict'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { Updates } from './updates.ts'

const refused = `
  etc."sysctl.d/lab.conf".text = "kernel.panic = 7\\n";
  etc."crypttab".text = "\\n";`

export const notInForce: Scenario = {
  name: 'not-in-force',
  title: "settings that the running machine can't take are named in the device's report",
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    await updates.deployed('plain')
    await trials.of('a kernel setting that is read-only, and a file that is read before', async () => {
      const row = await updates.deploy('refused', { portable: refused })
      assert.deepEqual([row.state, row.error?.code], ['running', 'not-in-force'], JSON.stringify(row))
      assert.match(row.error?.message ?? '', /^not in force: \/etc\/sysctl\.d: .*kernel\/panic.*; \/etc\/crypttab: /)
      const { stdout } = await fleet.operator.run('device', 'gate')
      assert.match(stdout, /state .*not in force: \/etc\/sysctl\.d/)
    })
    await trials.of('a reboot, after which it is still so', async () => {
      await updates.device.host.reboot()
      await updates.is('refused')
      await updates.device.until(
        'to name it again',
        async () => (await updates.status()).error?.code === 'not-in-force',
      )
    })
    await trials.of('a generation without them', async () => {
      await updates.deployed('plain again')
      await updates.device.host.reboot()
      await updates.device.until('to name nothing', async () => (await updates.status()).error === null)
    })
  },
}
