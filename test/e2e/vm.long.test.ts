/** `thymesh vm` with a real machine of this computer: made, updated, rebooted, stopped, cut off, started, removed; and what is refused. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import type { z } from 'zod'
import type { VmRow, vmMadeSchema, vmRemovedSchema } from '../../controller/api/schemas/vms.ts'
import { childrenOf, initsOf } from '../../controller/rehearsal/machine.ts'
import type { Talk } from '../../controller/tasks/talk.ts'
import { connectGuest, prepareGuest, stopGuest } from '../../controller/vms/guest.ts'
import type { GuestPlan } from '../../controller/vms/guest-plan.ts'
import { listVms } from '../../controller/vms/list.ts'
import { makeVm } from '../../controller/vms/make.ts'
import { fillQemu, pressPower } from '../../controller/vms/qemu.ts'
import { VmRecords } from '../../controller/vms/records.ts'
import { startVm } from '../../controller/vms/start.ts'
import { switchOff } from '../../controller/vms/switch.ts'
import { formatJoinToken } from '../../protocol/members/join-token.ts'
import { testFleet } from '../helpers/fleet.ts'
import { testDirectory } from '../helpers/state.ts'
import { LabDisk } from '../lab/disk.ts'
import { LabFleet } from '../lab/fleet.ts'
import { labSkip } from '../lab/needs.ts'
import { mustRun } from '../lab/run.ts'
import type { ErrorJson } from './helpers/fleet.ts'
import { until } from './helpers/processes.ts'
import { hello } from './helpers/project.ts'

const limitMs = 900_000
const talk: Talk = {
  ...{ note: () => {}, detail: () => {}, step: () => {}, activities: () => {}, progress: () => {} },
  signal: new AbortController().signal,
}

it('a virtual machine of this computer is a device of the fleet', { skip: labSkip() }, async t => {
  const { operator, network, directory } = await fleetWithMachines(t)
  const rows = async () => (await operator.json<{ machines: VmRow[] }>('vm', 'list')).machines
  const place = () => join(directory, readdirSync(directory)[0] ?? '')
  const keeper = () => JSON.parse(readFileSync(join(place(), 'box/run.json'), 'utf8')).pid as number
  const systemd = () => initsOf(keeper()).flatMap(childrenOf).flatMap(initsOf)[0]
  const must = async (...argv: string[]) =>
    await mustRun(['nsenter', '-t', String(systemd()), '-a', ...argv], { timeoutMs: limitMs, env: {} })

  const refused = async (...args: string[]) => (await operator.error('vm', 'create', ...args)).code
  assert.equal(await refused('../box', '--config', 'hello'), 'invalid-name')
  assert.equal(await refused('box', '--config', 'none'), 'unknown-config')
  assert.equal(await refused('box', '--config', 'hello', '--qemu'), 'vm-target')
  const small = await LabDisk.create(20)
  operator.onRemove(() => small[Symbol.asyncDispose]())
  const env = { THYMESH_VMS: small.directory }
  const full = await operator.runWith({ env }, 'vm', 'create', 'box', '--config', 'hello', '--json')
  assert.equal((JSON.parse(full.stdout) as ErrorJson).error.code, 'vm-full')
  assert.deepEqual(readdirSync(join(small.directory, readdirSync(small.directory)[0] ?? '')), [])
  assert.equal(existsSync(join(operator.project, 'devices/box.json')), false)

  // One that is killed half-way leaves nothing that is taken for a machine.
  const draft = () => existsSync(directory) && existsSync(join(place(), '.box.new/plan.json'))
  const killed = await operator.runWith(
    {
      limitMs,
      onStart: child => void until('it to fill the disk', draft).then(() => child.kill('SIGKILL')),
    },
    ...['vm', 'create', 'box', '--config', 'hello'],
  )
  assert.equal(killed.code, null, killed.stderr)
  assert.deepEqual(
    (await rows()).map(({ state }) => state),
    ['unfinished'],
  )

  const made = await operator.json<z.infer<typeof vmMadeSchema>>(
    'vm',
    'create',
    'box',
    '--config',
    'hello',
    '--disk',
    '2G',
  )
  assert.deepEqual([made.started, made.member, made.written], [true, true, ['devices/box.json']])
  assert.deepEqual(
    (await rows()).map(({ name, state }) => [name, state]),
    [['box', 'running']],
  )
  const key = await readFile(`/proc/${systemd()}/root/var/lib/thymesh/identity.key`)
  assert.equal(existsSync(join(place(), '.box.new')), false)
  assert.equal((await operator.error('vm', 'create', 'box', '--config', 'hello')).code, 'vm-taken')

  await operator.commit('one')
  assert.equal((await operator.json('deploy')).complete, true)
  const one = await must('readlink', '/run/current-system')

  // It reboots by itself, as for an update that only a boot brings.
  const first = systemd()
  await must('systemctl', 'reboot').catch(() => {})
  await until('another systemd', () => systemd() !== undefined && systemd() !== first)
  await until(
    'the system of before',
    async () => (await must('readlink', '/run/current-system').catch(() => '')) === one,
  )

  const stopped = await operator.json<{ stopped: boolean; killed: boolean }>('vm', 'stop', 'box')
  assert.deepEqual([stopped.stopped, stopped.killed], [true, false])
  assert.deepEqual(
    (await rows()).map(({ state }) => state),
    ['stopped'],
  )
  await operator.json('vm', 'start', 'box')
  assert.deepEqual(await readFile(`/proc/${systemd()}/root/var/lib/thymesh/identity.key`), key)
  await operator.commit('two', { 'configs/hello.json': hello('two') })
  assert.equal((await operator.json('deploy')).complete, true)
  const two = await must('readlink', '/run/current-system')
  assert.notEqual(two, one)

  // As when the power of this computer goes.
  process.kill(keeper(), 'SIGKILL')
  await until('it to be off', async () => (await rows())[0]?.state === 'stopped')
  await operator.json('vm', 'start', 'box')
  await until('its system', async () => (await must('readlink', '/run/current-system').catch(() => '')) === two)

  const removed = await operator.json<z.infer<typeof vmRemovedSchema>>('vm', 'remove', 'box', '--yes')
  assert.deepEqual(
    removed.retired?.map(({ peer }) => peer),
    [made.peer],
  )
  assert.deepEqual(removed.written, ['devices/box.json'])
  assert.deepEqual([await rows(), readdirSync(place())], [[], []])
  assert.notEqual((await network.exec(['ip', 'link', 'show', 'thymesh-vms'])).code, 0)
  assert.deepEqual(mountsBelow(directory), [])
})

async function fleetWithMachines(t: TestContext) {
  const fleet = await LabFleet.create()
  t.after(() => fleet[Symbol.asyncDispose]())
  const { operator, network } = fleet
  const directory = join(operator.directory, 'vms')
  operator.env.THYMESH_VMS = directory
  // Also where the test fails in the middle of it.
  operator.onRemove(() => operator.run('vm', 'stop', 'box', '--now'))
  return { operator, network, directory }
}

/** A disk as Nix would build it, but for what is on it: nothing boots. And the script that runs a copy. */
async function machineImage(t: TestContext, name: string) {
  const image = await testDirectory(t)
  const at = (file: string) => join(image, file)
  await mkdir(at('image'))
  await mkdir(at('bin'))
  await sh(`cd ${image}; truncate -s 48M image/nixos.img; truncate -s 32M part; mkfs.vfat part
    printf 'label: gpt\nstart=2048, size=32M, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n' | sfdisk --quiet image/nixos.img
    dd if=part of=image/nixos.img seek=2048 conv=notrunc`)
  const script = readFileSync(join(import.meta.dirname, '../../nix/nixos/run-vm.sh'), 'utf8')
  const places: Record<string, string> = {
    ...{ '@name@': name, '@image@': `${at('image')}/*.img`, '@qemu@': '/usr' },
    '@firmware@': '/usr/share/OVMF/OVMF_CODE_4M.fd',
    '@variables@': '/usr/share/OVMF/OVMF_VARS_4M.fd',
  }
  await writeFile(at('bin/run'), `#!/bin/sh\n${script.replaceAll(/@\w+@/g, word => places[word] ?? word)}`, {
    mode: 0o755,
  })
  return at('bin/run')
}

async function sh(script: string): Promise<string> {
  return await mustRun(['sh', '-euc', script], { timeoutMs: limitMs, env: process.env })
}

it('QEMU runs the script of a NixOS machine, with a token on its disk', async t => {
  const records = new VmRecords('f', await testDirectory(t))
  const program = await machineImage(t, 'hello')

  const token = `thymesh-join-1.${'A'.repeat(40)}`
  const membership = { token: async () => ({ token, bootstrap: [] }), declare: async () => [], forget: async () => {} }
  const wish = { name: 'box', config: 'hello', site: null, memoryMegabytes: 256, diskMegabytes: 512, base: null }
  const { record } = await makeVm(records, 'box', membership, talk, draft =>
    fillQemu(draft, wish, program, membership, talk),
  )
  assert.deepEqual([record.diskMegabytes, statSync(join(records.place('box'), 'hello.img')).size], [512, 512 << 20])
  const said = await sh(`mtype -i ${records.place('box')}/hello.img@@1048576 ::/thymesh-join`)
  assert.equal(said, `token=${token}\nname=box\n`)

  t.after(() => switchOff(records, record, true))
  assert.equal(await startVm(records, record, talk), true)
  assert.equal(await startVm(records, record, talk), false)
  assert.deepEqual(
    (await listVms(records)).map(({ kind, state }) => [kind, state]),
    [['qemu', 'running']],
  )
  const run = await records.run('box')
  assert.ok(run !== undefined && (await pressPower(run)))
  assert.equal(await switchOff(records, record, true), true)
  assert.deepEqual(
    (await listVms(records)).map(({ state }) => state),
    ['stopped'],
  )
})

it('QEMU runs a guest of a device by the steps of its unit', async t => {
  const directory = await testDirectory(t)
  const file = join(directory, 'token')
  await writeFile(file, formatJoinToken(testFleet().token({ names: 'scale' })))
  const plan: GuestPlan = {
    ...{ v: 1, kind: 'qemu', name: 'scale', site: 'shop', token: file, program: await machineImage(t, 'scale') },
    ...{ memoryMegabytes: 256, diskMegabytes: 512, processors: 1 },
  }
  const guests = join(directory, 'guests')
  const records = new VmRecords('', guests)
  await prepareGuest(plan, talk, guests)
  const said = await sh(`mtype -i ${records.place('scale')}/scale.img@@1048576 ::/thymesh-join`)
  assert.match(said, /^token=thymesh-join-1\.\S+\nname=scale\nsite=shop\n$/)
  // As systemd does.
  const child = spawn('sh', [join(records.place('scale'), 'start.sh')], { stdio: 'ignore' })
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  await connectGuest(plan, child.pid ?? 0, guests)
  const run = await records.run('scale')
  assert.ok(run !== undefined)
  await until('its monitor to answer', async () => {
    assert.deepEqual([child.exitCode, child.signalCode], [null, null])
    return await pressPower(run)
  })
  // Nothing on its disk hears the button.
  child.kill('SIGKILL')
  await ended
  assert.equal(await stopGuest(plan, guests), false)
  assert.equal(await records.run('scale'), undefined)
  // Its token is no more needed, nor asked for.
  await prepareGuest({ ...plan, token: null }, talk, guests)
})

/** Mounts and loop devices that are left of the machines' disks. */
function mountsBelow(directory: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const loops = readdirSync('/sys/block').flatMap(name => {
    const file = `/sys/block/${name}/loop/backing_file`
    return existsSync(file) ? [readFileSync(file, 'utf8').trim()] : []
  })
  return [...mounts, ...loops].filter(line => line.includes(directory))
}
