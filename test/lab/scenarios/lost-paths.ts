/** Paths that devices had, lost to the garbage collector, and need again, with a neighbour that still has them. */

import assert from 'node:assert/strict'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { Updates } from './updates.ts'

const noiseMegabytes = 4

export const lostPaths: Scenario = {
  name: 'lost-paths',
  title: 'paths that a device had, lost and needs again come at once',
  async run(trials) {
    await using fleet = await LabFleet.create('gate', 'door')
    const gate = await fleet.device({ name: 'gate' })
    const door = await fleet.device({ name: 'door' })
    const updates = new Updates(fleet, gate)
    await updates.deployed('one', { noiseMegabytes })
    await updates.deployed('two')
    await trials.of('the garbage collector took them', async () => {
      const { host } = gate
      await host.must([
        'sh',
        '-c',
        'nix-env -p /nix/var/nix/profiles/thymesh --delete-generations old && nix-collect-garbage',
      ])
      await updates.deployed('one', { noiseMegabytes })
      await door.until('to run it too', async () => (await door.running()) === (await gate.running()))
    })
    assert.equal(await door.running(), await gate.running())
  },
}
