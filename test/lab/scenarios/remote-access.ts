/** Sessions of operators on a real device: in a unit of their own, over an update, and ended with their grant. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Daemon, runToEnd, until } from '../../e2e/helpers/processes.ts'
import { hello } from '../../e2e/helpers/project.ts'
import { LabFleet } from '../fleet.ts'
import { cutInTheMiddle, there } from './cut-copy.ts'
import type { Scenario } from './scenario.ts'
import { clientOf, clientSuites, tryClient } from './ssh-clients.ts'

export const remoteAccess: Scenario = {
  name: 'remote-access',
  title: 'operators get shells in units of their own, which end with their grant and leave nothing',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const { operator } = fleet
    const gate = await fleet.device({ name: 'gate' })
    await operator.commit('one', { 'configs/hello.json': hello('one') })
    await operator.json('deploy', '--timeout', '80')
    // As on a device where nobody wants a port: also what the service makes for sshd is gone then.
    await gate.host.must(['systemctl', 'disable', '--now', 'ssh'])
    const key = join(operator.directory, 'key')
    const at = { cwd: operator.directory, env: operator.env }
    await runToEnd('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key], at)
    const options = ['-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none', '-o', 'BatchMode=yes']
    const ssh = (user: string, ...command: string[]) => operator.run('ssh', ...options, `${user}@gate`, ...command)
    const once = async (user: string, ...command: string[]) =>
      await until(`${user} to get in`, async () => {
        const ran = await ssh(user, ...command)
        return ran.code === 0 && ran
      })

    await trials.of('a session runs in the slice, not in the daemon', async () => {
      await operator.json('access', 'grant', 'ada', '--device', 'gate', '--key', `${key}.pub`, '--user', 'root')
      const { stdout } = await once('root', 'cat /proc/self/cgroup; cat /proc/self/oom_score_adj; hostname')
      assert.match(stdout, /thymesh-sessions\.slice\/thymesh-session-[0-9a-f]+\.service/)
      // Nothing of the daemon's own limits.
      assert.match(stdout, /\n0\ngate\S*\n$/)
    })
    const { config } = await operator.json<{ config: string }>('ssh-config')
    const configFile = join(operator.directory, 'ssh_config')
    await writeFile(configFile, `${config}\nHost *\n  IdentityFile ${key}\n  IdentitiesOnly yes\n  BatchMode yes\n`)
    const about = { folder: operator.directory, config: configFile, env: operator.env, through: operator.through }
    const tried = async (suite: string) =>
      await tryClient(await clientOf(suite, about), 'gate.trial', operator.directory)
    await trials.of('OpenSSH needs nothing but the printed configuration, also where no controller runs', () =>
      tried(clientSuites[0]),
    )
    const logFile = join(operator.directory, 'serve.log')
    const serve = { command: 'serve', cwd: operator.project, env: operator.env, through: operator.through, logFile }
    const serving = new Daemon([], serve)
    try {
      await until('the controller to serve', async () => (await serving.log()).includes('in the mesh'))
      for (const suite of clientSuites) {
        await trials.of(`the OpenSSH of ${suite} takes the connection of the controller that runs`, () => tried(suite))
      }
    } finally {
      await serving.end()
    }
    await trials.of('a cable that is pulled in the middle of 2 GiB ends the copy, and sftp goes on from there', () =>
      cutInTheMiddle({ ...about, gate, copy: file => operator.run('cp', ...options, file, `gate:${there}`) }),
    )
    await trials.of('no port is open for it, and sshd runs as no service', async () => {
      const stdout = await gate.host.must([
        'sh',
        '-c',
        'systemctl is-active ssh || true; cat /proc/net/tcp /proc/net/tcp6',
      ])
      assert.match(stdout, /^inactive/)
      assert.doesNotMatch(stdout, /:0016 0/)
    })
    await trials.of('root with a locked password gets in, by PAM', async () => {
      await gate.host.must(['passwd', '--lock', 'root'])
      assert.match((await once('root', 'id -un')).stdout, /^root/)
    })
    await trials.of('another user gets the rights of that user', async () => {
      await gate.host.must(['useradd', '--create-home', '--shell', '/bin/sh', 'tech'])
      await operator.json('access', 'grant', 'ada', '--device', 'gate', '--key', `${key}.pub`, '--user', 'tech')
      assert.match((await once('tech', 'id -un; touch /root/x || echo refused')).stdout, /^tech\nrefused/)
    })
    await trials.of('a revoked grant ends the session with what has left it', async () => {
      const begun = Promise.withResolvers<void>()
      const onStart = (child: ChildProcess) => void child.stdout?.once('data', () => begun.resolve())
      const command = 'setsid sleep 4711 >/dev/null 2>&1 & echo begun; exec sleep 4712'
      const running = operator.runWith({ onStart }, 'ssh', ...options, 'root@gate', command)
      await begun.promise
      const serving = await operator.run('access', 'revoke', 'ada', '--json')
      assert.equal(serving.code, 0, serving.stdout)
      assert.notEqual((await running).code, 0)
      const left = async () => (await gate.host.must(['sh', '-c', 'pgrep -f "sleep 471[12]" || true'])).trim()
      await until('its processes to be gone', async () => (await left()) === '')
      const files = await gate.host.must([
        'sh',
        '-c',
        'ls /run/thymesh-sessions 2>/dev/null; systemctl list-units "thymesh-session-*" --no-legend',
      ])
      assert.equal(files, '')
    })
    await trials.of('without sshd the device says what it lacks', async () => {
      await operator.json('access', 'grant', 'ada', '--device', 'gate', '--key', `${key}.pub`)
      await once('root', 'true')
      await gate.host.must(['mv', '/usr/sbin/sshd', '/usr/sbin/sshd.away'])
      const refused = await ssh('root', 'true')
      assert.equal(refused.code, 1)
      assert.match(refused.stderr, /the device has no sshd[\s\S]*remote-access/)
    })
  },
}
