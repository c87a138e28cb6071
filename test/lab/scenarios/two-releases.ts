/** Releases that come faster than a device can take them: it ends with the newest, whatever it was doing. */

import assert from 'node:assert/strict'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { quickPolicy, Updates } from './updates.ts'

/** Takes its time to start, so that the switch does. */
const slowUnit = `units."slow.service" = {
  Service.Type = "oneshot"; Service.ExecStart = "/bin/sleep 6"; Service.RemainAfterExit = true;
  wantedBy = [ "multi-user.target" ];
};`

export const twoReleases: Scenario = {
  name: 'two-releases',
  title: 'of two releases in quick succession the newer one runs at last',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    // Nobody has to answer: the operator comes and goes.
    const policy = { ...quickPolicy, confirm: { deadlineSeconds: 60, peers: 0 } }
    await updates.deployed('0', { policy })
    let at = 0

    /** Publishes a release, and one more when the device is at that point of the first. */
    async function overtaken(portable: string, point: () => Promise<void>): Promise<void> {
      const [older, newer] = [String(++at), String(++at)]
      await updates.commit(older, { portable, policy })
      const leave = new AbortController()
      const onStart = (child: { kill(signal: 'SIGTERM'): void }) =>
        leave.signal.addEventListener('abort', () => child.kill('SIGTERM'))
      const deploying = fleet.operator.runWith({ onStart }, 'deploy', '-m', older)
      try {
        await point()
      } finally {
        leave.abort()
        await deploying
      }
      await updates.deployed(newer, { policy })
      const entry = await updates.journal()
      assert.deepEqual([entry?.state, entry?.new], ['committed', await updates.device.running()])
    }
    const began = async () => {
      const count = async () => (await updates.device.log()).split('the update begins').length
      const before = await count()
      await updates.device.until('to begin', async () => (await count()) > before)
    }

    await trials.of('a newer one while it is fetched', () => overtaken('', began))
    await trials.of('a newer one while it is tested', () => overtaken(slowUnit, () => updates.journalled('testing')))
    await trials.of('a newer one while a failed one is taken back', async () => {
      const failing = `${slowUnit} units."bad.service" = {
        Service.Type = "oneshot"; Service.ExecStart = "/bin/false"; wantedBy = [ "multi-user.target" ];
      };`
      await overtaken(failing, () => updates.journalled('rolled-back'))
    })
  },
}
