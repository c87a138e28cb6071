/** A clock that is wrong: the device knows when it can't rely on it, and updates all the same where that is safe. */

import assert from 'node:assert/strict'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { Updates } from './updates.ts'

const dayMs = 86_400

export const clock: Scenario = {
  name: 'clock',
  title: 'with a clock that is years off a device runs on, and updates when it is right or known to be behind',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const device = await fleet.device({ name: 'gate' })
    const updates = new Updates(fleet, device)
    await updates.deployed('one')
    const freshness = async () => ((await updates.status()) as { freshness?: string }).freshness

    await trials.of('a clock three years behind', async () => {
      await device.moveClock(-3 * 365 * dayMs)
      await updates.deployed('two')
      assert.equal(await freshness(), 'unknown')
    })
    await trials.of('and a reboot', async () => {
      await device.host.reboot()
      await updates.is('two')
      await updates.deployed('three')
      assert.equal(await freshness(), 'unknown')
    })
    await trials.of('a clock three years ahead', async () => {
      await device.moveClock(3 * 365 * dayMs)
      await device.host.must(['systemctl', 'restart', 'thymesh.service'])
      await updates.commit('four')
      // Of the root or the timestamp, by whether the release comes by sync or by gossip.
      const refused = /version \d+ expired on/
      const before = await device.countLogged(refused)
      await fleet.operator.run('deploy', '-m', 'four', '--timeout', '10')
      // All that is signed is out of date for it: it hears of the release, installs nothing, and runs on.
      await device.logged(refused, before)
      await updates.is('three')
    })
    await trials.of('a clock that is right again', async () => {
      await device.moveClock(0)
      await device.host.must(['systemctl', 'restart', 'thymesh.service'])
      await updates.deployed('five')
      assert.equal(await freshness(), 'fresh')
    })
  },
}
