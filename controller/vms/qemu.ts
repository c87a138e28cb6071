/** NixOS machines in QEMU: made of the image that Nix builds, started by its script, and shut down by QEMU's monitor. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { access, stat, truncate, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../../node/files/temporary.ts'
import { runProgram } from '../../node/process/run-program.ts'
import { startOf } from '../../node/process/start-of.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { messageOf } from '../../protocol/errors.ts'
import { nixDirectory } from '../nix/nix-program.ts'
import type { Talk } from '../tasks/talk.ts'
import { bootId } from './boot-id.ts'
import { consoleTail } from './console-tail.ts'
import { bootMs, commandMs, pollMs, prepareMs } from './limits.ts'
import type { QemuRecord, VmRecords, VmRun } from './records.ts'
import { full } from './run-prepare.ts'
import { VmError } from './vm-error.ts'
import type { VmMembership, VmWish } from './wish.ts'

/** Fills `draft` with the disk, and a token on it. `program` starts the machine: the image `vm` of a config. */
export async function fillQemu(
  draft: string,
  { name, config, site, memoryMegabytes, diskMegabytes }: VmWish,
  program: string,
  membership: VmMembership,
  talk: Talk,
): Promise<QemuRecord> {
  talk.step('Copying its disk')
  await must(program, [draft, 'prepare'], talk.signal)
  const disk = join(draft, `${config}.img`)
  const least = Math.ceil((await stat(disk)).size / (1 << 20))
  const megabytes = Math.max(least, diskMegabytes)
  // The machine's file system grows to it.
  if (megabytes > least) await truncate(disk, megabytes * (1 << 20))
  const { token } = await membership.token()
  const folder = await temporaryFolder({ inMemory: true })
  try {
    const file = join(folder.path, 'token')
    await writeFile(file, token, { mode: 0o600 })
    const script = join(nixDirectory, 'nixos/add-join-token.sh')
    await must('sh', [script, disk, file, name, ...(site === null ? [] : [site])], talk.signal)
  } finally {
    await folder.remove()
  }
  const created = timeText(new Date())
  const about = { name, config, memoryMegabytes, diskMegabytes: megabytes, created }
  return { v: 1, kind: 'qemu', ...about, program }
}

/** Switches it on; what happens inside is not to be seen from here. */
export async function switchOnQemu(records: VmRecords, record: QemuRecord, talk: Talk): Promise<void> {
  const hasKvm = await access('/dev/kvm', constants.W_OK).then(
    () => true,
    () => false,
  )
  if (hasKvm && (await comesUp(records, record, false, talk.signal))) return
  const why = hasKvm ? 'KVM does not work here' : 'There is no /dev/kvm for this user'
  talk.note(`${why}: the machine is emulated, which is slow.`)
  if (await comesUp(records, record, true, talk.signal)) return
  const place = records.place(record.name)
  throw new VmError('vm-broken', `QEMU ended as soon as ${record.name} was started:\n${consoleTail(place)}`, {
    hint: `Read ${join(place, 'screen.log')}. Then: thymesh vm start ${record.name}`,
  })
}

/** Starts QEMU; whether its monitor answers, or it has ended before. */
async function comesUp(
  records: VmRecords,
  record: QemuRecord,
  emulated: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const { name, memoryMegabytes } = record
  const [shell = '', ...args] = qemuArgv(record)
  const child = spawn(shell, args, {
    ...{ cwd: records.place(name), detached: true, stdio: 'ignore' },
    env: { PATH: process.env.PATH, ...qemuEnvironment({ memoryMegabytes, emulated }) },
  })
  const [pid, start] = [child.pid ?? 0, startOf(child.pid ?? 0)]
  const ended = once(child, 'exit').catch(() => {})
  child.unref()
  if (start === undefined) {
    await ended
    return false
  }
  const run = { pid, start, boot: bootId(), cgroups: [] }
  await records.noteRun(name, run)
  for (const end = performance.now() + bootMs; performance.now() < end; ) {
    if (await order(run, 'query-status')) return true
    if (child.exitCode !== null || child.signalCode !== null) return false
    await sleep(pollMs, undefined, { signal })
  }
  child.kill('SIGKILL')
  return false
}

/** The command line that runs it, in its folder. */
export function qemuArgv({ program }: QemuRecord): string[] {
  return ['sh', fileURLToPath(new URL('./vm-qemu.sh', import.meta.url)), program]
}

/** What that command line is told beside it. */
export function qemuEnvironment({
  memoryMegabytes,
  processors = 2,
  emulated,
}: {
  readonly memoryMegabytes: number
  readonly processors?: number
  readonly emulated: boolean
}): Record<string, string> {
  return {
    THYMESH_VM_MEMORY: String(memoryMegabytes),
    THYMESH_VM_PROCESSORS: String(processors),
    THYMESH_VM_EMULATED: emulated ? 'yes' : '',
    QEMU_OPTS: '-qmp unix:qmp.sock,server=on,wait=off',
  }
}

/** Presses its power button. Whether QEMU heard it. */
export async function pressPower(run: VmRun): Promise<boolean> {
  return await order(run, 'system_powerdown')
}

/** An order to QEMU's monitor (QMP), and whether it was taken; not before it listens. */
async function order(run: VmRun, execute: 'query-status' | 'system_powerdown'): Promise<boolean> {
  const socket = connect(monitorOf(run))
  socket.on('error', () => {})
  const timer = setTimeout(() => socket.destroy(), commandMs)
  try {
    socket.write(`{"execute":"qmp_capabilities"}\n{"execute":"${execute}"}\n`)
    let answers = 0
    for await (const line of createInterface({ input: socket })) {
      if (line.startsWith('{"return"')) answers += 1
      if (answers === 2) return true
    }
    return false
  } catch {
    return false
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

/** A path that is short enough for a socket, whatever the folder is called. */
function monitorOf({ pid }: VmRun): string {
  return `/proc/${pid}/cwd/qmp.sock`
}

async function must(file: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const { code, errors } = await runProgram(file, args, { timeoutMs: prepareMs, lines: 10, signal }).catch(thrown => ({
    code: null,
    errors: [messageOf(thrown)],
  }))
  if (code === 0) return
  const why = errors.join('\n')
  if (/No space left/.test(why)) throw full(why)
  throw new VmError('vm-broken', `the machine's disk could not be made: ${why}`, {
    hint: 'It takes sfdisk and mtools: apt-get install fdisk mtools. Then run this again: nothing of it is left.',
  })
}
