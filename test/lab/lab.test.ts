/** The lab itself: machines that boot, forget and remember what real ones would, and leave nothing behind. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ownCgroups } from '../../controller/rehearsal/cgroups.ts'
import { until } from '../helpers/until.ts'
import { LabHost } from './host.ts'
import { labSkip } from './needs.ts'
import { LabNetwork } from './network.ts'

const skip = labSkip()

const notes = {
  '/etc/systemd/system/notes.service':
    '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=sh -c "echo kept >/var/note; sync /var/note; echo gone >/run/note"\n',
}

test('a machine runs units, and a power cut keeps what was on its disk only', { skip }, async t => {
  const host = await LabHost.start(t, { files: notes })
  await host.must(['systemctl', 'start', 'notes.service'])
  assert.equal(await host.unit('notes.service', 'ActiveState'), 'active')
  assert.equal(await host.must(['cat', '/var/note', '/run/note']), 'kept\ngone')
  const id = await host.must(['cat', '/etc/machine-id'])

  await host.powerCut()
  await assert.rejects(host.exec(['true']), { code: 'not-running' })
  await host.boot()
  assert.equal(await host.must(['cat', '/var/note']), 'kept')
  assert.notEqual((await host.exec(['cat', '/run/note'])).code, 0)
  assert.equal(await host.unit('notes.service', 'ActiveState'), 'inactive')
  assert.equal(await host.must(['cat', '/etc/machine-id']), id)

  const boot = await host.must(['cat', '/proc/1/stat'])
  await host.reboot()
  assert.notEqual(await host.must(['cat', '/proc/1/stat']), boot)
  assert.equal(await host.must(['cat', '/var/note']), 'kept')
})

test('exec gives codes, output and input, and ends what takes too long', { skip }, async t => {
  const host = await LabHost.start(t, { binds: [{ from: import.meta.dirname, to: '/mnt/lab' }] })
  assert.deepEqual(await host.exec(['sh', '-c', 'cat; echo oops >&2; exit 3'], { input: 'in' }), {
    code: 3,
    stdout: 'in',
    stderr: 'oops\n',
  })
  assert.equal(await host.must(['sh', '-c', 'echo $HOME $WORD'], { env: { WORD: 'given' } }), '/root given')
  assert.equal((await host.exec(['no-such-program'])).code, 127)
  await assert.rejects(host.must(['cat', '/no/such/file']), { code: 'command-failed', message: /No such file/ })
  await assert.rejects(host.exec(['sleep', '1234'], { timeout: 500 }), { code: 'timeout' })
  await until(async () => (await host.exec(['pgrep', '-f', 'sleep 1234'])).code !== 0, 'the killed program to be gone')
  assert.match((await host.exec(['touch', '/mnt/lab/new'])).stderr, /Read-only file system/)
})

test('machines are apart, and a network joins them until a cable is pulled', { skip }, async t => {
  const network = await LabNetwork.create()
  t.after(() => network[Symbol.asyncDispose]())
  const [left, right] = await Promise.all([LabHost.start(t, { network }), LabHost.start(t, { network })])
  const name = 'same.service'
  const same = ['systemd-run', `--unit=${name}`, 'sleep', 'infinity']
  await Promise.all([left.must(same), right.must(same)])
  await left.must(['systemctl', 'stop', name])
  assert.equal(await right.unit(name, 'ActiveState'), 'active')

  const carrier = async (state: string) => (await right.must(['cat', '/sys/class/net/eth0/carrier'])) === state
  // The base has no ping; a port that nobody listens on answers with a refusal, which proves the way there and back.
  const knock = (seconds: number) => ['timeout', `${seconds}`, 'bash', '-c', `</dev/tcp/${right.link?.address}/9`]
  assert.match((await left.exec(knock(10))).stderr, /refused/)
  assert.match((await network.exec(knock(10))).stderr, /refused/)
  await right.link?.set('down')
  await until(() => carrier('0'), 'the cable to be out')
  assert.doesNotMatch((await left.exec(knock(1))).stderr, /refused/)
  await right.link?.set('up')
  await until(() => carrier('1'), 'the cable to be in')
  assert.match((await left.exec(knock(10))).stderr, /refused/)
})

test('nothing is left of a machine that was disposed of', { skip }, async () => {
  const host = await LabHost.create({ files: notes })
  await host.boot()
  const running = processes(host.name)
  assert.ok(running.length > 3) // nspawn, systemd and some of its services
  assert.ok(groups(host.name).length > 0)
  await host[Symbol.asyncDispose]()
  await host[Symbol.asyncDispose]() // a second time does no harm
  assert.deepEqual(processes(host.name), [])
  assert.deepEqual(groups(host.name), [])
  assert.ok(!existsSync(host.dir))
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(host.dir))
})

test('a machine ends with its test process, also when that is killed, and the next one tidies up', {
  skip,
}, async () => {
  const script = `
    const { LabHost } = await import(${JSON.stringify(join(import.meta.dirname, 'host.ts'))})
    const host = await LabHost.create()
    await host.boot()
    console.log(JSON.stringify([host.name, host.dir]))
    setInterval(() => {}, 1000)`
  const runner = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(runner.stdout, 'data')) as [Buffer]
  const [name, dir] = JSON.parse(line.toString()) as [string, string]
  assert.ok(processes(name).length > 0)
  runner.kill('SIGKILL')
  await once(runner, 'exit')
  await until(async () => processes(name).length === 0, 'the machine to end')

  await using next = await LabHost.create()
  assert.ok(!existsSync(dir))
  assert.ok(existsSync(next.dir))
  assert.deepEqual(groups(name), [])
})

/** PIDs of all processes on this computer that belong to a machine: its nspawn, and what runs on its disk. */
function processes(name: string): number[] {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .map(Number)
    .filter(pid => readQuietly(`/proc/${pid}/cmdline`).includes(name) || inGroup(pid, name))
}

function inGroup(pid: number, name: string): boolean {
  return readQuietly(`/proc/${pid}/cgroup`).includes(name)
}

function groups(name: string): string[] {
  return ownCgroups().flatMap(dir => readdirSync(dir).filter(entry => entry.endsWith(name)))
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // it ended between the listing and the look
  }
}
