/** The daemon of a `.deb` is upgraded over the mesh, and taken back, by the commands of docs/install.md. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { runToEnd, until } from '../../e2e/helpers/processes.ts'
import { hello } from '../../e2e/helpers/project.ts'
import { packages } from '../../package/packages.ts'
import { LabFleet } from '../fleet.ts'
import { LabHost } from '../host.ts'
import type { Scenario } from './scenario.ts'

const patienceMs = 120_000

export const daemonUpgraded: Scenario = {
  name: 'daemon-upgraded',
  title: 'the daemon of a package is upgraded over the mesh, and back, with its key, its system and its fleet',
  async run(trials) {
    const { directory, before, current } = await packages()
    await using fleet = await LabFleet.create('kiosk')
    const { operator, network } = fleet
    const binds = [{ from: directory, to: '/mnt/packages' }]
    await using host = await LabHost.create({ name: 'kiosk', network, binds })
    await host.boot()
    await host.must(['dpkg', '-i', `/mnt/packages/${before}`])
    await host.must(['thymesh', 'join', '--name', 'kiosk'], { input: await operator.token('--names', 'kiosk') })
    await operator.commit('one', {
      'tags/canary.json': {},
      'devices/kiosk.json': { config: 'hello', tags: ['canary'] },
      'configs/hello.json': hello('one'),
    })
    await operator.json('deploy', '-m', 'one', '--timeout', '85')
    const key = join(operator.directory, 'key')
    const at = { cwd: operator.directory, env: operator.env }
    await runToEnd('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key], at)
    await operator.json('access', 'grant', 'ada', '--device', 'kiosk', '--key', `${key}.pub`, '--user', 'root')
    const withKey = ['-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none', '-o', 'BatchMode=yes']
    const identity = async () => (await host.must(['sha256sum', '/var/lib/thymesh/identity.key'])).split(' ')[0]
    const pid = () => host.unit('thymesh.service', 'MainPID')
    const said = async (...args: string[]) => {
      const { code, stdout, stderr } = await operator.run(...args)
      assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`)
      return stdout
    }
    /** As the page says it: the file to the machine, then apt apart from the session that the restart ends. */
    const upgradeTo = async (name: string, version: string, ...more: string[]) => {
      const [ownKey, daemon] = [await identity(), await pid()]
      const copy = ['cp', ...withKey, join(directory, name), 'kiosk:/tmp/']
      await until('the grant to be known', async () => (await operator.run(...copy)).code === 0)
      const unit = ['systemd-run', '--collect', '-u', 'thymesh-upgrade']
      await said(
        ...['run', '--on', 'tag:canary', ...withKey, '--', ...unit],
        ...['apt-get', 'install', '-y', ...more, `/tmp/${name}`],
      )
      // Both packages have the same program, and say so.
      const installed = () => host.exec(['dpkg-query', '--status', 'thymesh'])
      const isThere = async () => (await installed()).stdout.includes(`\nVersion: ${version}`)
      const explain = async () => (await host.exec(['journalctl', '-n', '40', '-u', 'thymesh-upgrade'])).stdout
      await until(`the version ${version}`, isThere, { limitMs: patienceMs, explain })
      await until('the new daemon', async () => !['0', daemon].includes(await pid()), { limitMs: patienceMs })
      const log = () => operator.run('logs', '--on', 'tag:canary', '-u', 'thymesh-upgrade')
      await until(
        'the journal to say it',
        async () => (await log()).stdout.includes(`Setting up thymesh (${version}`),
        {
          limitMs: patienceMs,
        },
      )
      assert.equal(await identity(), ownKey)
      assert.equal((await host.must(['cat', '/etc/hello'])).trim(), version === '0.1.0' ? 'one' : 'two')
    }
    await trials.of('the newer package, over the mesh', () => upgradeTo(current, '0.1.0'))
    await trials.of('it takes the next release', async () => {
      await operator.commit('two', { 'configs/hello.json': hello('two') })
      await operator.json('deploy', '-m', 'two', '--timeout', '85')
      assert.equal((await host.must(['cat', '/etc/hello'])).trim(), 'two')
    })
    await trials.of('back to the older package', () => upgradeTo(before, '0.0.9', '--allow-downgrades'))
    await trials.of('which goes on in the fleet', async () => {
      await operator.commit('three', { 'configs/hello.json': hello('three') })
      await operator.json('deploy', '-m', 'three', '--timeout', '85')
    })
  },
}
