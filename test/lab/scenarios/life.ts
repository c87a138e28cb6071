/** The life of a real device: a unit is restarted, the machine is rebooted, and it is retired and wiped. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { runToEnd, until } from '../../e2e/helpers/processes.ts'
import { hello } from '../../e2e/helpers/project.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'

interface Ran {
  devices: { device: string; state: string; exitCode: number | null; reason: string | null }[]
}

export const life: Scenario = {
  name: 'life',
  title: 'operators restart a unit, reboot a device, and retire and wipe it, through the grants of access',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const { operator } = fleet
    const gate = await fleet.device({ name: 'gate' })
    await operator.commit('one', { 'configs/hello.json': hello('one') })
    await operator.json('deploy', '--timeout', '180')
    const key = join(operator.directory, 'key')
    const at = { cwd: operator.directory, env: operator.env }
    await runToEnd('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key], at)
    const options = ['-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none']

    await trials.of('without a grant nothing is restarted or wiped, and the device stays what it is', async () => {
      const wiped = await operator.error('retire', 'gate', '--wipe', '--yes', '--wait', '10', ...options)
      assert.equal(wiped.code, 'not-wiped')
      const ran = await operator.run('restart-unit', 'lamp', 'gate', '--json', ...options)
      assert.equal(ran.code, 1)
      assert.equal((JSON.parse(ran.stdout) as Ran).devices[0]?.state, 'unreached')
      assert.equal(await gate.host.unit('thymesh', 'ActiveState'), 'active')
    })
    await operator.json('access', 'grant', 'ada', '--device', 'gate', '--key', `${key}.pub`, '--user', 'root')
    await until('root to get in', async () => (await operator.run('ssh', ...options, 'root@gate', 'true')).code === 0)

    await trials.of('a unit is restarted, and one that does not stay up is a failure', async () => {
      const units = [
        'printf "[Service]\\nExecStart=/bin/sleep infinity\\n" >/etc/systemd/system/lamp.service',
        'printf "[Service]\\nType=oneshot\\nExecStart=/bin/false\\n" >/etc/systemd/system/broken.service',
        'systemctl daemon-reload && systemctl start lamp',
      ]
      await gate.host.must(['sh', '-ec', units.join('\n')])
      const before = await gate.host.unit('lamp', 'MainPID')
      await operator.json('restart-unit', 'lamp', 'gate', ...options)
      assert.notEqual(await gate.host.unit('lamp', 'MainPID'), before)
      const failed = await operator.run('restart-unit', 'broken.service', 'gate', '--json', ...options)
      assert.equal(failed.code, 1)
      assert.equal((JSON.parse(failed.stdout) as Ran).devices[0]?.state, 'failed')
      const wrong = await operator.error('restart-unit', "x'; reboot #", 'gate', ...options)
      assert.equal(wrong.code, 'invalid-unit')
    })
    await trials.of('it reboots, and the command ends when it is back', async () => {
      const back = operator.json<Ran>('reboot', 'gate', '--back', '400', ...options)
      // What runs the machine leaves the next start to us.
      await until('the machine to go down', async () => !gate.host.running)
      await gate.host.boot()
      assert.equal((await back).devices[0]?.state, 'done')
    })
    await trials.of('it is retired and wiped: no key, no secret, no daemon, and no member', async () => {
      const done = await operator.json<{ wiped: boolean; revoked: object[]; release: object }>(
        'retire',
        'gate',
        '--wipe',
        '--yes',
        '--commit',
        ...options,
      )
      assert.equal(done.wiped, true)
      assert.equal(done.revoked.length, 1)
      const there = async () =>
        await gate.host.must(['sh', '-c', 'ls -d /var/lib/thymesh /run/thymesh/secrets 2>/dev/null || true'])
      await until('its state to be gone', async () => (await there()) === '')
      assert.notEqual(await gate.host.unit('thymesh', 'ActiveState'), 'active')
      const { members } = await operator.json<{ members: { name: string | null; state: string }[] }>('members')
      assert.deepEqual(
        members.filter(({ name }) => name === 'gate').map(({ state }) => state),
        ['revoked'],
      )
    })
  },
}
