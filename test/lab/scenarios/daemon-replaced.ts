/** An update that replaces the daemon itself, in the middle of its own update. */

import assert from 'node:assert/strict'
import { daemonUnit } from '../device.ts'
import { LabFleet } from '../fleet.ts'
import { labProgram } from '../program.ts'
import type { Scenario } from './scenario.ts'
import { Updates } from './updates.ts'

/** Ends with 1 whenever it is started. */
const noDaemon = '/bin/false'

/** The daemon's unit as part of a generation: where it changes, the switch restarts the daemon. */
async function daemonOf(version: string, argv?: readonly string[]): Promise<string> {
  const text = daemonUnit(argv ?? (await labProgram()).argv, [`LAB_VERSION=${version}`])
  return `units."thymesh.service" = { text = ''${text}''; wantedBy = [ "multi-user.target" ]; };`
}

export const daemonReplaced: Scenario = {
  name: 'daemon-replaced',
  title: 'an update that restarts and replaces the daemon goes on with the new one, and back with the old one',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    const { host } = updates.device
    const version = () =>
      host.must([
        'sh',
        '-c',
        'tr "\\0" "\\n" </proc/$(systemctl show --value -p MainPID thymesh)/environ | sed -n s/LAB_VERSION=//p',
      ])
    await updates.deployed('one', { portable: await daemonOf('one') })
    await trials.of('daemon replaced', async () => {
      const before = await host.unit('thymesh.service', 'MainPID')
      await updates.deployed('two', { portable: await daemonOf('two') })
      assert.notEqual(await host.unit('thymesh.service', 'MainPID'), before)
      assert.equal(await version(), 'two')
    })
    await trials.of('a daemon that does not start', async () => {
      await updates.commit('three', {
        portable: await daemonOf('three', [noDaemon]),
        policy: { health: { settleSeconds: 3 }, confirm: { deadlineSeconds: 20 } },
      })
      const deploying = fleet.operator.run('deploy', '-m', 'three', '--timeout', '30')
      await updates.device.until('to have tried to start the daemon of three', async () => {
        const started = await host.unit('thymesh.service', 'ExecStart')
        const status = await host.unit('thymesh.service', 'ExecMainStatus')
        return (await updates.message()) === 'three' && started.includes(`path=${noDaemon} ;`) && status === '1'
      })
      await deploying
      await updates.device.until('to be back', async () => (await updates.message()) === 'two')
      await updates.journalled('rolled-back')
      await updates.is('two')
      assert.equal(await version(), 'two')
    })
  },
}
