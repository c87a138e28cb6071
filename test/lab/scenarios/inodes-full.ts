/** A disk without inodes: a device makes room by what its policy gives up, or says what is missing and leaves nothing behind. */

import assert from 'node:assert/strict'
import type { UpdatePolicyInput } from '../../../protocol/release/update-policy.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { quickPolicy, Updates } from './updates.ts'

/** 600 files in one store path. */
const files = (name: string) =>
  `etc = builtins.listToAttrs (map (n: { name = "many/\${toString n}"; value.text = "${name}"; }) (builtins.genList (n: n) 600));`
const policy: UpdatePolicyInput = { ...quickPolicy, health: { settleSeconds: 1 }, keep: { generations: 1, days: 0 } }

export const inodesFull: Scenario = {
  name: 'inodes-full',
  title:
    'without inodes a device makes room by what its policy gives up, or runs on, says so, and leaves nothing behind',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const device = await fleet.device({ name: 'gate', diskMegabytes: 160, diskInodes: 20_000 })
    const updates = new Updates(fleet, device)
    const { disk } = device
    assert.ok(disk)
    await updates.deployed('many a', { portable: files('a'), policy })
    for (const message of ['few a', 'few b']) await updates.deployed(message, { policy })

    let many = ''
    await trials.of('a generation that the policy gives up has some', async () => {
      disk.fillInodes(500)
      await updates.deployed('many b', { portable: files('b'), policy })
      disk.clear()
      many = await device.host.must(['readlink', '-f', '/run/current-system'])
    })
    await trials.of('none at all: nothing partial stays', async () => {
      for (const message of ['few c', 'few d', 'few e']) await updates.deployed(message, { policy })
      const profile = '/nix/var/nix/profiles/thymesh'
      await device.host.must(['nix-env', '--profile', profile, '--delete-generations', 'old'])
      // The daemon's last connections to Nix hold what they imported, until they are closed.
      await device.until('to have nothing to give up', async () => {
        await device.host.must(['nix-store', '--gc'])
        return (await device.host.exec(['test', '-e', many])).code !== 0
      })
      disk.fillInodes(500)
      await updates.commit('many c', { portable: files('c'), policy })
      await fleet.operator.run('deploy', '-m', 'many c', '--timeout', '30')
      await device.until('to say so', async () => (await updates.status()).error?.code === 'disk-full')
      await updates.is('few e')
      await device.until('to have deleted what is partial', async () => disk.freeInodes > 400)
      disk.clear()
      await device.until('to update', async () => (await updates.message()) === 'many c')
    })
  },
}
