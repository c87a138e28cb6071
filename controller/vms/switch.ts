/** Switches virtual machines on and off. One that is on outlives the command: a process of its own keeps it, apart from this computer. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runProgram } from '../../node/process/run-program.ts'
import { startOf } from '../../node/process/start-of.ts'
import { makeCgroups, removeCgroups } from '../rehearsal/cgroups.ts'
import { argvIn, bootStateOf, childrenOf, initsOf, insidePath } from '../rehearsal/machine.ts'
import type { TrialProgram } from '../rehearsal/program.ts'
import type { Talk } from '../tasks/talk.ts'
import { bootId } from './boot-id.ts'
import { consoleTail } from './console-tail.ts'
import { keeperArgv } from './keeper.ts'
import { bootMs, commandMs, pollMs, stopMs } from './limits.ts'
import { ensureBridge, layCable, pullCable, removeIdleBridge } from './network.ts'
import { pressPower } from './qemu.ts'
import type { ContainerRecord, VmRecord, VmRecords, VmRun } from './records.ts'
import { VmError } from './vm-error.ts'

/** Whether the machine of which this was noted is still on. */
export function isOn(run: VmRun | undefined): run is VmRun {
  return run !== undefined && run.boot === bootId() && startOf(run.pid) === run.start
}

/** Switches it on, and waits until its systemd has started everything. Throws a VmError. */
export async function switchOn(
  records: VmRecords,
  machine: ContainerRecord,
  program: TrialProgram,
  talk: Talk,
): Promise<void> {
  const place = records.place(machine.name)
  await clear(records, machine)
  await ensureBridge()
  const deadline = performance.now() + bootMs
  const own = scopeOf(records, machine)
  const cgroups = own.length > 0 ? [] : makeCgroups(`thymesh-vm-${idOf(records, machine)}`)
  if (own.length === 0 && !boundMemory(cgroups, machine.memoryMegabytes)) {
    talk.note('Its memory is not bounded: this computer has neither systemd nor a control group for that.')
  }
  const log = openSync(join(place, 'start.log'), 'w', 0o600)
  const [file = '', ...args] = [...own, ...keeperArgv(place, machine, program)]
  const env = { PATH: process.env.PATH, VM_CGROUPS: cgroups.join(' ') }
  const child = spawn(file, args, { detached: true, stdio: ['ignore', log, log], cwd: '/', env })
  const [pid, start] = [child.pid ?? 0, startOf(child.pid ?? 0)]
  const ended = once(child, 'exit').catch(() => {})
  child.unref()
  if (start === undefined) {
    await ended
    throw broken(place, machine.name, 'it was not started')
  }
  await records.noteRun(machine.name, { pid, start, boot: bootId(), cgroups })
  try {
    await layCable(pid, deadline)
    await booted(records, machine.name, deadline, talk.signal)
  } catch (thrown) {
    // One that is up too late, or that nobody waits for, stays on; its end would tell less than what it prints.
    if (thrown instanceof VmError && thrown.code === 'vm-network') await switchOff(records, machine, true)
    throw thrown
  }
}

/** Shuts it down in order, or `now`; resolves to whether it had to be killed. */
export async function switchOff(
  records: VmRecords,
  { name, kind }: Pick<VmRecord, 'name' | 'kind'>,
  now: boolean,
): Promise<boolean> {
  const run = await records.run(name)
  let killed = false
  if (isOn(run)) {
    const heard = !now && (await shutDown(run, kind))
    if (!heard || !(await goes(run, stopMs))) {
      killed = true
      process.kill(run.pid, 'SIGKILL')
      if (!(await goes(run, commandMs))) throw broken(records.place(name), name, 'it did not end when it was killed')
    }
  }
  await clear(records, { name, kind })
  if (kind === 'container') await removeIdleBridge()
  return killed
}

/** Asks it to shut down; whether it was there to be asked. */
async function shutDown(run: VmRun, kind: VmRecord['kind']): Promise<boolean> {
  if (kind === 'qemu') return await pressPower(run)
  const leader = leaderOf(run)
  if (leader === undefined) return false
  const [program = '', ...args] = argvIn(leader, ['systemctl', 'poweroff'])
  // Its answer says nothing: it may be ended by the very shutdown that it asks for.
  await runProgram(program, args, { timeoutMs: commandMs, lines: 5, env: { PATH: insidePath } }).catch(() => {})
  return true
}

/** What a machine has left that is off: groups without processes, a cable to nowhere, and the note of its run. */
async function clear(records: VmRecords, { name, kind }: Pick<VmRecord, 'name' | 'kind'>): Promise<void> {
  const run = await records.run(name)
  const { cgroups = [], pid, boot } = run ?? {}
  if (isOn(run)) return
  // After a reboot the number may be another machine's.
  if (kind === 'container' && pid !== undefined && boot === bootId()) await pullCable(pid)
  // The last processes of a group are on their way out a moment longer.
  for (const end = performance.now() + commandMs; ; await sleep(pollMs)) {
    try {
      removeCgroups(cgroups)
      break
    } catch (thrown) {
      if (performance.now() > end) throw thrown
    }
  }
  await records.forgetRun(name)
}

async function goes(run: VmRun, limitMs: number): Promise<boolean> {
  for (const end = performance.now() + limitMs; isOn(run); await sleep(pollMs))
    if (performance.now() > end) return false
  return true
}

async function booted(records: VmRecords, name: string, deadline: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const run = await records.run(name)
    if (!isOn(run)) throw broken(records.place(name), name, 'it went off while it started')
    const { started, state } = await bootStateOf(leaderOf(run))
    if (started) return
    if (performance.now() > deadline) throw broken(records.place(name), name, `it is not up yet (${state})`)
    await sleep(pollMs, undefined, { signal })
  }
}

/** The outer process ID of its systemd: the one that is PID 1 below the process which keeps it. */
function leaderOf({ pid }: VmRun): number | undefined {
  return initsOf(pid).flatMap(childrenOf).flatMap(initsOf)[0]
}

function idOf({ directory }: VmRecords, { name }: ContainerRecord): string {
  return `${directory.slice(-8)}-${name}`
}

/** Where systemd runs, a unit of its own: it bounds the memory, and the end of a session is not that of the machine. */
function scopeOf(records: VmRecords, machine: ContainerRecord): string[] {
  if (!existsSync('/run/systemd/system')) return []
  const unit = `--unit=thymesh-vm-${idOf(records, machine)}`
  const bounds = ['-p', 'Delegate=yes', '-p', `MemoryMax=${machine.memoryMegabytes}M`]
  return ['systemd-run', '--scope', '--quiet', '--collect', '--slice=machine.slice', unit, ...bounds, '--']
}

/** Elsewhere as far as this computer's control groups let us, in version 1 and 2; whether they did. */
function boundMemory(cgroups: readonly string[], megabytes: number): boolean {
  const files = cgroups.flatMap(dir => ['memory.max', 'memory.limit_in_bytes'].map(name => join(dir, name)))
  const found = files.filter(file => existsSync(file))
  for (const file of found) writeFileSync(file, String(megabytes * (1 << 20)))
  return found.length > 0
}

function broken(place: string, name: string, words: string): VmError {
  return new VmError('vm-broken', `${name}: ${words}\n${consoleTail(place)}`, {
    hint: `Look at ${join(place, 'screen.log')}, and whether this computer has memory and disk left. Then: thymesh vm stop ${name} --now`,
  })
}
