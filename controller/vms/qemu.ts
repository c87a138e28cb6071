/** NixOS machines in QEMU: made of the image that Nix builds, started by its script, and shut down by QEMU's monitor. */

import { once } from 'node:events'
import { stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startOf } from '../../node/process/start-of.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { mayUseKvm, orderQemu, startQemu } from '../rehearsal/qemu.ts'
import { copyDisk, DiskError, putToken } from '../rehearsal/qemu-disk.ts'
import type { Talk } from '../tasks/talk.ts'
import { bootId } from './boot-id.ts'
import { consoleTail } from './console-tail.ts'
import { bootMs, pollMs } from './limits.ts'
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
  await made(copyDisk(program, draft, talk.signal))
  const disk = join(draft, `${config}.img`)
  const least = Math.ceil((await stat(disk)).size / (1 << 20))
  const megabytes = Math.max(least, diskMegabytes)
  // The machine's file system grows to it.
  if (megabytes > least) await truncate(disk, megabytes * (1 << 20))
  const { token } = await membership.token()
  await made(putToken(disk, { token, name, site }, talk.signal))
  const created = timeText(new Date())
  const about = { name, config, memoryMegabytes, diskMegabytes: megabytes, created }
  return { v: 1, kind: 'qemu', ...about, program }
}

/** Switches it on; what happens inside is not to be seen from here. */
export async function switchOnQemu(records: VmRecords, record: QemuRecord, talk: Talk): Promise<void> {
  const hasKvm = await mayUseKvm()
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
  { name, program, memoryMegabytes }: QemuRecord,
  emulated: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const place = records.place(name)
  const child = startQemu({ program, place, memoryMegabytes, emulated, outlivesUs: true })
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
    if (await orderQemu(pid, 'query-status')) return true
    if (child.exitCode !== null || child.signalCode !== null) return false
    await sleep(pollMs, undefined, { signal })
  }
  child.kill('SIGKILL')
  return false
}

/** Presses its power button. Whether QEMU heard it. */
export async function pressPower({ pid }: VmRun): Promise<boolean> {
  return await orderQemu(pid, 'system_powerdown')
}

/** Says of a machine's disk what went wrong with it. */
async function made(work: Promise<void>): Promise<void> {
  await work.catch(thrown => {
    if (!(thrown instanceof DiskError)) throw thrown
    if (thrown.code === 'disk-full') throw full(thrown.message)
    throw new VmError('vm-broken', `the machine's disk could not be made: ${thrown.message}`, {
      hint: thrown.hint ?? '',
      cause: thrown,
    })
  })
}
