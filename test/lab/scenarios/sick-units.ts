/** Generations with units that are not well, although none of them is failed when the switch ends. */

import assert from 'node:assert/strict'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { quickPolicy, Updates } from './updates.ts'

const wanted = 'wantedBy = [ "multi-user.target" ];'
const runs = (name: string, more = '') =>
  `units."${name}.service" = { Service.ExecStart = "/bin/sleep infinity"; ${more} ${wanted} };`
const dies = (more = '') =>
  `units."mortal.service" = { Service.ExecStart = "/bin/sh -c 'sleep 4; exit 1'"; ${more} ${wanted} };`

/** The healthy units, part of each generation. */
const base = `${runs('needy')} ${runs('door')}`

const sick: readonly (readonly [fault: string, portable: string, unit: string])[] = [
  ['a service dies after four seconds', `${base} ${dies()}`, 'mortal.service'],
  ['a service dies again and again', `${base} ${dies('Service.Restart = "always";')}`, 'mortal.service'],
  [
    'a service without a command, since its key is misspelt',
    `${base} units."typo.service" = { Service.ExecStrat = "/bin/sleep infinity"; ${wanted} };`,
    'typo.service',
  ],
  [
    'a service that requires a unit that is not there',
    `${base} ${runs('lonely', 'Unit.Requires = "nowhere.service";')}`,
    'lonely.service',
  ],
  [
    'a service that runs, and now requires a unit that is not there',
    `${runs('door')} ${runs('needy', 'Unit.Requires = "nowhere.service";')}`,
    'needy.service',
  ],
  [
    'a socket beside its service, which runs',
    `${base} units."door.socket" = { Socket.ListenStream = "/run/door"; wantedBy = [ "sockets.target" ]; };`,
    'door.socket',
  ],
]

const settling = { ...quickPolicy, health: { settleSeconds: 12 } }

export const sickUnits: Scenario = {
  name: 'sick-units',
  title: 'units that die a little later, or that systemd refuses to start, are seen, and the update is rolled back',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    await updates.deployed('good', { portable: base })
    await trials.of('a program of the distribution is missing, until it is installed', async () => {
      const { device } = updates
      const row = await updates.deploy('needs a program', { portable: `${base} needs = [ "lab-program" ];` })
      assert.deepEqual([row.state, row.error?.code], ['failed', 'missing-program'], JSON.stringify(row))
      assert.match(row.error?.message ?? '', /lacks lab-program \(for the module extra\): apt install lab-program$/)
      await updates.is('good')
      const { stdout } = await fleet.operator.run('why', device.name)
      assert.match(stdout, /apt install lab-program/)
      await device.host.must(['ln', '-s', '/bin/true', '/usr/local/bin/lab-program'])
      await device.until('to go on by itself', async () => (await updates.message()) === 'needs a program')
      await updates.journalled('committed')
      await updates.deployed('good', { portable: base })
    })
    for (const [at, [fault, portable, unit]] of sick.entries()) {
      await trials.of(fault, async () => {
        const row = await updates.deploy(`sick ${at}`, { portable, policy: settling })
        assert.deepEqual([row.state, row.error?.code], ['rolled-back', 'degraded'], JSON.stringify(row))
        assert.match(row.error?.message ?? '', new RegExp(unit))
        await updates.is('good')
        for (const name of ['needy', 'door']) {
          assert.equal(await updates.device.host.unit(`${name}.service`, 'ActiveState'), 'active')
        }
      })
    }
    await trials.of('a service that needs two starts is well', async () => {
      const twice = `units."twice.service" = {
        Service.ExecStart = "/bin/sh -c 'test -e /run/twice || { touch /run/twice; exit 1; }; exec sleep infinity'";
        Service.Restart = "on-failure"; ${wanted}
      };`
      await updates.deployed('twice', { portable: `${base} ${twice}`, policy: settling })
    })
  },
}
