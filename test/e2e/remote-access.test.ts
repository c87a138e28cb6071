/** Remote access with real processes: grants, the system's ssh and scp with a real sshd, and the end of sessions. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { noXvnc, startXvnc } from '../helpers/xvnc.ts'
import { nixSkip } from '../nix/workshop.ts'
import { answering, answerOf, pixelOf } from './helpers/answers.ts'
import type { Device, LogLine } from './helpers/device.ts'
import { Fleet } from './helpers/fleet.ts'
import { carriers, plainSsh } from './helpers/plain-ssh.ts'
import { Daemon, runToEnd, until } from './helpers/processes.ts'
import { hello } from './helpers/project.ts'

interface Changed {
  release: number
  published: boolean
  grants: string[]
}

interface Audit {
  verified: boolean
  problem: unknown
  from: number
  entries: { what: string; about: Record<string, string> }[]
}

/** OpenSSH's own provider for its tests: a FIDO token whose key lies in the file, and that is touched at once. */
const tokenInSoftware = '/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so'

/** Why these tests can't run here. */
function skipped(): string | false {
  if (process.getuid?.() !== 0) return 'sshd lets others in only as root'
  if (!existsSync('/usr/sbin/sshd')) return 'there is no sshd: scripts/setup --tests'
  if (!existsSync(tokenInSoftware)) return 'there is no FIDO token in software: scripts/setup --tests'
  return noXvnc || nixSkip()
}

describe('access to devices', { skip: skipped(), timeout: 900_000 }, () => {
  let fleet: Fleet
  let first: Device
  let serving: Daemon

  const key = (name: string) => join(fleet.directory, name)
  const withKey = (name: string) => ['-i', key(name), '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes']
  const grant = (...args: string[]) => fleet.json<Changed>('access', 'grant', 'ada', '--device', 'first', ...args)

  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found('second')
    await fleet.commit('Version 1', { 'configs/hello.json': hello('version 1') })
    first = await fleet.device('first')
    first.start(await fleet.token('--bootstrap', first.address))
    await fleet.json('deploy', '--wait-for', 'first', '--timeout', '240')
    const at = { cwd: fleet.directory, env: fleet.env }
    for (const name of ['ada', 'eve']) {
      await runToEnd('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key(name)], at)
    }
    // As an operator has it who works for longer.
    const logFile = join(fleet.directory, 'serve.log')
    serving = new Daemon([], { command: 'serve', cwd: fleet.project, env: fleet.env, logFile })
    await until('the controller to serve', async () => (await serving.log()).includes('in the mesh'))
  })
  after(async () => {
    await serving?.end()
    await fleet.remove()
  })

  it('is nobody’s at first', async () => {
    assert.deepEqual(await fleet.json('access', 'list'), { grants: [] })
    const refused = await fleet.run('ssh', ...withKey('ada'), 'first', 'true')
    assert.equal(refused.code, 1, refused.stdout + refused.stderr)
    assert.match(refused.stderr, /nobody is granted access as root/)
    assert.match(refused.stderr, /thymesh access grant/)
  })

  it('lets in the key that a grant names, and no other', async () => {
    const granted = await grant('--key', `${key('ada')}.pub`, '--user', 'root')
    assert.deepEqual(granted.grants, ['ada-1'])
    const ran = await until('the device to have heard of the grant', async () => {
      const ran = await fleet.run('ssh', ...withKey('ada'), 'first', 'echo $((6 * 7)); echo oops >&2; exit 7')
      return ran.code === 7 && ran
    })
    assert.equal(ran.stdout, '42\n')
    assert.match(ran.stderr, /oops/)
    const other = await fleet.run('ssh', ...withKey('eve'), 'first', 'true')
    assert.equal(other.code, 255)
    assert.match(other.stderr, /Permission denied \(publickey\)/)
  })

  it('opens a terminal', async () => {
    const ran = await fleet.run('ssh', ...withKey('ada'), '-o', 'RequestTTY=force', 'first', 'tty; stty size')
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stdout, /^\/dev\/pts\/\d+\r?\n/)
  })

  it('has written down what was done there, for whoever wants to verify it', async () => {
    const kinds = ['certificate', 'daemon-started', 'grants', 'session-began', 'session-ended', 'session-refused']
    const audit = await until('the device to have signed what was done', async () => {
      const audit = await fleet.json<Audit>('audit', 'first', '--verify')
      const whats = audit.entries.map(({ what }) => what)
      return [...kinds, 'update-ended'].every(kind => whats.includes(kind)) && audit
    })
    assert.deepEqual([audit.verified, audit.problem, audit.from], [true, null, 0])
    const began = audit.entries.find(({ what }) => what === 'session-began')
    assert.equal(began?.about.operators, 'ada')
    assert.match(began?.about.fingerprint ?? '', /^SHA256:/)
    const file = join(fleet.directory, 'first.audit')
    const shown = await fleet.run('audit', 'first', '--export', file)
    assert.match(shown.stdout, /^\d+ entries are in .*first\.audit\.\nVerified: entries 0 to \d+ are those of the head/)
    const lines = (await readFile(file, 'utf8')).trim().split('\n')
    assert.ok(lines.length > audit.entries.length)
    assert.match(JSON.parse(lines[0] ?? '').checkpoint, /^thymesh\/[0-9a-f]{16}\/audit\/12D3KooW/)
  })

  it('records the sessions of a grant that says so, for operators to list, play and save', async () => {
    await runToEnd('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key('bob')], {
      ...{ cwd: fleet.directory, env: fleet.env },
    })
    const of = ['--device', 'first', '--key', `${key('bob')}.pub`, '--user', 'root', '--record']
    await fleet.json('access', 'grant', 'bob', ...of)
    const ran = await until('the device to have heard of the grant', async () => {
      const ran = await fleet.run('ssh', ...withKey('bob'), '-o', 'RequestTTY=force', 'first', 'echo s$((6 * 7))n')
      return ran.code === 0 && ran
    })
    assert.match(ran.stdout, /s42n/)
    const refused = await fleet.run('ssh', ...withKey('bob'), 'first', 'true')
    assert.match(refused.stderr, /are recorded: a command needs a terminal/)
    type List = { recordings: { id: string; operators: string[]; reason: string | null }[] }
    const [recording] = await until('the recording to be there', async () => {
      const { recordings } = await fleet.json<List>('recordings', 'first')
      return recordings.length > 0 && recordings.every(({ reason }) => reason !== null) && recordings.slice(-1)
    })
    assert.deepEqual(recording?.operators, ['bob'])
    const played = await fleet.run('recordings', 'first', recording?.id.slice(0, 6) ?? '')
    assert.match(played.stdout, /s42n/)
    const file = join(fleet.directory, 'bob.cast')
    const saved = await fleet.json<{ sha256: string }>('recordings', 'first', recording?.id ?? '', '--save', file)
    assert.equal(JSON.parse((await readFile(file, 'utf8')).split('\n')[0] ?? '').version, 2)
    await until('the device to have signed what it has recorded', async () => {
      const { entries } = await fleet.json<Audit>('audit', 'first', '-n', '50')
      return entries.some(({ about }) => about.recorded === saved.sha256)
    })
    assert.equal((await fleet.error('recordings', 'first', 'none')).code, 'not-understood')
    await fleet.json('access', 'revoke', 'bob')
  })

  it('copies files there and back, and says which device is unknown', async () => {
    const file = join(fleet.directory, 'sent')
    const bytes = randomBytes(3_000_000)
    await writeFile(file, bytes)
    const there = await fleet.run('cp', ...withKey('ada'), file, `first:${file}.there`)
    assert.equal(there.code, 0, there.stderr)
    const back = await fleet.run('cp', ...withKey('ada'), `first:${file}.there`, `${file}.back`)
    assert.equal(back.code, 0, back.stderr)
    assert.ok((await readFile(`${file}.back`)).equals(bytes))
    const wrong = await fleet.error('cp', file, 'nobody:/tmp/x')
    assert.equal(wrong.code, 'unknown-device')
  })

  it('is what plain ssh, sftp and tunnels use by the printed configuration', async () => {
    for (const how of [[], ['--plain']]) {
      const { config, ssh } = await plainSsh(fleet, withKey('ada'), ...how)
      assert.match(config, how.length === 0 ? /ProxyUseFdpass yes/ : /ProxyUseFdpass no/)
      const ran = await ssh('first.trial', `cat /etc/hostname; ${carriers(fleet)}`)
      assert.equal(ran.code, 0, ran.stderr)
      assert.equal(ran.stdout, `${await readFile('/etc/hostname', 'utf8')}${how.length}\n`)
      assert.doesNotMatch(ran.stderr, /post-quantum|authenticity/)
      const refused = await ssh('nobody@first.trial', 'true')
      assert.equal(refused.code, 255)
      assert.match(refused.stderr, /nobody is granted access as nobody/)
      // Whoever says so is someone else: the key is known from the mesh.
      const other = await ssh('-o', 'KnownHostsCommand=none', 'first.trial', 'true')
      assert.equal(other.code, 255)
      assert.match(other.stderr, /Host key verification failed|No ED25519 host key is known/)
    }
  })

  it('runs a command on many devices, and tells who failed and who was not reached', async () => {
    const on = ['--on', 'all', ...withKey('ada'), '--wait', '1', '--json']
    const failed = await fleet.run('run', ...on, '--', 'hostname; exit 3')
    assert.equal(failed.code, 1)
    const { devices } = JSON.parse(failed.stdout)
    assert.deepEqual(
      devices.map(({ device, state, exitCode, stdout }: Record<string, unknown>) => ({
        device,
        state,
        exitCode,
        stdout,
      })),
      [{ device: 'first', state: 'failed', exitCode: 3, stdout: await readFile('/etc/hostname', 'utf8') }],
    )
    const done = await fleet.run('run', '--on', 'first', ...withKey('ada'), '--', 'echo', 'hello')
    assert.equal(done.code, 0, done.stderr)
    assert.match(done.stdout, /^first: hello\n1 of 1 devices: done\.\n$/)
    const nobody = await fleet.run('run', '--json', '--on', 'tag:none', '--', 'true')
    assert.equal(JSON.parse(nobody.stdout).error.code, 'unknown-device')
  })

  /** Runs `thymesh forward` until the device has heard of the grant; what it says of where it listens. */
  async function forwarding(t: TestContext, args: readonly string[], where: RegExp): Promise<string> {
    const logFile = join(fleet.directory, 'forward.log')
    return await until('the device to have heard of the grant', async () => {
      await writeFile(logFile, '')
      const started = new Daemon(args, { command: 'forward', cwd: fleet.project, env: fleet.env, logFile })
      t.after(() => started.end())
      const said = await until(
        'it to say so',
        async () => /(?:is at|not granted|error).*/.exec(await started.log()) ?? undefined,
      )
      return where.exec(said[0])?.[0]
    })
  }

  it('forwards a port of the device to an address of its own', async t => {
    const { port, socket } = await answering(t, fleet.directory, 'the page of the device')
    const without = await fleet.error('forward', 'first', String(port), '-i', key('ada'))
    assert.equal(without.code, 'not-granted')
    await grant('--key', `${key('ada')}.pub`, '--forward', `tcp:127.0.0.1:${port}`, '--forward', `unix:${socket}`)
    const url = await forwarding(t, ['first', String(port), '--local', '0', '-i', key('ada')], /http:\/\/[\d.:]+\//)
    assert.match(url, /^http:\/\/127\.71\.\d+\.\d+:\d+\/$/)
    assert.equal(await (await fetch(url)).text(), 'the page of the device')
    const here = `${socket}.here`
    await forwarding(t, ['first', socket, '--local', here, '-i', key('ada')], /is at /)
    assert.equal(await answerOf({ socketPath: here }), 'the page of the device')
  })

  it('saves a picture of a real screen of the device, and of none without the right', async t => {
    const socket = join(dirname(first.root), 'state/screens/kiosk.sock')
    const screen = await startXvnc(t as never, socket, '320x120')
    screen.paint('#20c040', 120)
    const file = join(fleet.directory, 'screen.png')
    const save = ['screen', 'first', '--save', file, '-i', `${key('ada')}.pub`] as const
    assert.equal((await fleet.error(...save)).code, 'not-granted')
    await grant('--key', `${key('ada')}.pub`, '--may', 'screen')
    const isPainted = async () => {
      const ran = await fleet.run(...save, '--json')
      if (ran.code !== 0) return false
      assert.deepEqual(JSON.parse(ran.stdout), { device: 'first', file, width: 320, height: 120 })
      return pixelOf(await readFile(file), 5, 5) === '20c040'
    }
    await until('the device to have heard of the grant', isPainted)
    // As one that it has taken by itself.
    const taken = await readFile(file)
    const kept = join(dirname(first.root), 'state/snapshots')
    await mkdir(kept, { recursive: true })
    await writeFile(join(kept, '1.kiosk.2026-01-31T12:00:00Z.png'), taken)
    const folder = join(fleet.directory, 'snapshots')
    const listed = await fleet.run('screen', 'first', '--snapshots', '--save', folder, '-i', `${key('ada')}.pub`)
    assert.match(listed.stdout, /^TAKEN +SCREEN .*\n2026-01-31T12:00:00Z {2}kiosk /)
    assert.ok((await readFile(join(folder, 'first-kiosk-2026-01-31T120000Z.png'))).equals(taken))
  })

  it('is forwarded by plain ssh too: a port by -L, and a Unix socket', async t => {
    const { port, socket } = await answering(t, fleet.directory, 'by -L')
    const other = await answering(t, fleet.directory, 'not granted')
    await grant('--key', `${key('ada')}.pub`, '--forward', `tcp:127.0.0.1:${port}`, '--forward', `unix:${socket}`)
    const [tcp, unix, no] = [`${socket}.tcp`, `${socket}.unix`, `${socket}.no`]
    const forwards = [`${tcp}:127.0.0.1:${port}`, `${unix}:${socket}`, `${no}:${other.socket}`].flatMap(each => [
      '-L',
      each,
    ])
    const args = ['-N', '-o', 'ExitOnForwardFailure=yes', ...forwards, ...withKey('ada'), 'first']
    const logFile = join(fleet.directory, 'tunnel.log')
    const answer = await until('the device to have heard of the grant', async () => {
      const tunnel = new Daemon(args, { command: 'ssh', cwd: fleet.project, env: fleet.env, logFile })
      t.after(() => tunnel.end())
      await until('ssh to listen', () => existsSync(no))
      const answer = await answerOf({ socketPath: tcp }).catch(() => undefined)
      if (answer !== undefined) return answer
      await tunnel.end()
      return undefined
    })
    assert.equal(answer, 'by -L')
    assert.equal(await answerOf({ socketPath: unix }), 'by -L')
    await assert.rejects(answerOf({ socketPath: no }))
  })

  it('lets in a FIDO token, and no file without it', async t => {
    const { port } = await answering(t, fleet.directory, 'by a token')
    const env = { ...fleet.env, SSH_SK_PROVIDER: tokenInSoftware }
    const run = (command: string, ...args: string[]) => runToEnd(command, args, { cwd: fleet.project, env })
    await run('ssh-keygen', '-q', '-t', 'ed25519-sk', '-w', tokenInSoftware, '-N', '', '-f', key('token'))
    await grant('--key', `${key('token')}.pub`, '--forward', `tcp:127.0.0.1:${port}`, '--may', 'exec')
    const touched = ['-o', `SecurityKeyProvider=${tokenInSoftware}`]
    const ran = await until('the device to have heard of the grant', async () => {
      const ran = await fleet.run('ssh', ...withKey('token'), ...touched, 'first', 'echo in')
      return ran.code === 0 && ran
    })
    assert.equal(ran.stdout, 'in\n')
    // The file alone holds no key.
    const without = await fleet.run('ssh', ...withKey('token'), '-o', 'SecurityKeyProvider=/none', 'first', 'true')
    assert.equal(without.code, 255)
    Object.assign(fleet.env, { SSH_SK_PROVIDER: tokenInSoftware })
    t.after(() => {
      delete fleet.env.SSH_SK_PROVIDER
    })
    const url = await forwarding(t, ['first', String(port), '--local', '0', '-i', key('token')], /http:\/\/[\d.:]+\//)
    assert.equal(await (await fetch(url)).text(), 'by a token')
  })

  it('ends a live session when its grant ends', async () => {
    const pidFile = join(fleet.directory, 'pid')
    const running = fleet.run('ssh', ...withKey('ada'), 'first', `echo $$ >${pidFile}; sleep 1000`)
    const pid = await until('the session to run', async () => {
      return Number(await readFile(pidFile, 'utf8').catch(() => '')) || false
    })
    await fleet.json('access', 'revoke', 'ada')
    assert.notEqual((await running).code, 0)
    await until('its processes to be gone', () => !existsSync(`/proc/${pid}`))
    const after = await fleet.run('ssh', ...withKey('ada'), 'first', 'true')
    assert.equal(after.code, 1)
    const isEnd = ({ msg, reason }: LogLine) => msg === 'a session of SSH ended' && reason === 'its grant has ended'
    await first.logged('why the session has ended', isEnd)
  })

  it('goes on forwarding at the same place when the controller ends that has listened there', async t => {
    const { port } = await answering(t, fleet.directory, 'the page of the device')
    await grant('--key', `${key('ada')}.pub`, '--forward', `tcp:127.0.0.1:${port}`)
    const url = await forwarding(t, ['first', String(port), '--local', '0', '-i', key('ada')], /http:\/\/[\d.:]+\//)
    const page = async () => await (await fetch(url)).text()
    assert.equal(await page(), 'the page of the device')
    await serving.end()
    await until('the command to listen itself', async () => await page().catch(() => undefined))
    assert.equal(await page(), 'the page of the device')
  })

  it('answers both commands that ssh starts beside each other where no controller runs', async () => {
    await serving.end()
    const ask = () => fleet.run('ssh', '--host-key', '--', 'first.trial')
    for (const { code, stdout, stderr } of await Promise.all([ask(), ask()])) {
      assert.match(`${code} ${stdout}`, /^0 first\.trial ssh-ed25519 /, stderr)
    }
    // The one that hands over leaves another one, which carries the bytes.
    const { ssh } = await plainSsh(fleet, withKey('ada'))
    await grant('--key', `${key('ada')}.pub`)
    const ran = await until('the device to have heard of the grant', async () => {
      const ran = await ssh('first.trial', `echo in; ${carriers(fleet)}`)
      return ran.code === 0 && ran
    })
    assert.equal(ran.stdout, 'in\n1\n')
  })
})
