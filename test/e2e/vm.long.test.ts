/** `thymesh vm` with a real machine of this computer: made, updated, rebooted, stopped, cut off, started, removed; and what is refused. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import type { z } from 'zod'
import type { VmRow, vmMadeSchema, vmRemovedSchema } from '../../controller/api/schemas/vms.ts'
import { childrenOf, initsOf } from '../../controller/rehearsal/machine.ts'
import { LabFleet } from '../lab/fleet.ts'
import { labSkip } from '../lab/needs.ts'
import { mustRun } from '../lab/run.ts'
import { until } from './helpers/processes.ts'
import { hello } from './helpers/project.ts'

const limitMs = 900_000

it('a virtual machine of this computer is a device of the fleet', { skip: labSkip() }, async t => {
  const { operator, network, directory } = await fleetWithMachines(t)
  const rows = async () => (await operator.json<{ machines: VmRow[] }>('vm', 'list')).machines
  const place = () => join(directory, readdirSync(directory)[0] ?? '')
  const keeper = () => JSON.parse(readFileSync(join(place(), 'box/run.json'), 'utf8')).pid as number
  const systemd = () => initsOf(keeper()).flatMap(childrenOf).flatMap(initsOf)[0]
  const must = async (...argv: string[]) =>
    await mustRun(['nsenter', '-t', String(systemd()), '-a', ...argv], { timeoutMs: limitMs, env: {} })

  // One that is killed half-way leaves nothing that is taken for a machine.
  const killed = await operator.runWith(
    { limitMs, onStart: child => child.stderr?.once('data', () => child.kill('SIGKILL')) },
    ...['vm', 'create', 'box', '--config', 'hello'],
  )
  assert.equal(killed.code, null)
  for (const { state } of await rows()) assert.equal(state, 'unfinished')

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

/** Mounts and loop devices that are left of the machines' disks. */
function mountsBelow(directory: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const loops = readdirSync('/sys/block').flatMap(name => {
    const file = `/sys/block/${name}/loop/backing_file`
    return existsSync(file) ? [readFileSync(file, 'utf8').trim()] : []
  })
  return [...mounts, ...loops].filter(line => line.includes(directory))
}
