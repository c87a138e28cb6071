/** Makes a virtual machine that boots in a container: its disk with a root, and its place in the fleet. Whole, or not at all. */

import { mkdir, open, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../../node/files/durable-file.ts'
import { exists } from '../../node/files/missing.ts'
import { runProgram } from '../../node/process/run-program.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import type { Talk } from '../tasks/talk.ts'
import { commandMs, freeMegabytes } from './limits.ts'
import { whileLocked } from './lock.ts'
import { freeAddress } from './network.ts'
import type { ContainerRecord, VmRecords } from './records.ts'
import { full, runPrepare } from './run-prepare.ts'
import { VmError } from './vm-error.ts'

export interface VmWish {
  readonly name: string
  readonly config: string
  readonly site: string | null
  readonly memoryMegabytes: number
  readonly diskMegabytes: number
  /** The directory to boot from; null for this computer's own programs. */
  readonly base: string | null
}

/** What the fleet and the project learn of it. */
export interface VmMembership {
  /** A token for this one machine, and the peers that it dials first. */
  token(): Promise<{ readonly token: string; readonly bootstrap: string[] }>
  /** Its file in the project; gives the files that were written. */
  declare(): Promise<string[]>
  /** Takes both back. */
  forget(): Promise<void>
}

export interface MadeVm {
  readonly record: ContainerRecord
  readonly written: string[]
}

/** Throws a VmError; then nothing of it is left. */
export async function makeContainer(
  records: VmRecords,
  wish: VmWish,
  membership: VmMembership,
  talk: Talk,
): Promise<MadeVm> {
  const { name } = wish
  await records.prepare()
  return await whileLocked(records.lockFile(name), name, async () => {
    if (await exists(records.place(name))) throw taken(name)
    const draft = records.draft(name)
    // Of a command that was killed.
    await rm(draft, { recursive: true, force: true })
    await records.requireRoomForOne()
    try {
      await mkdir(draft, { mode: 0o700 })
      return await fill(records, draft, wish, membership, talk)
    } catch (thrown) {
      await rm(draft, { recursive: true, force: true })
      await membership.forget().catch(() => talk.note(`Its token or its file may be left: thymesh retire ${name}`))
      throw thrown
    }
  })
}

async function fill(
  records: VmRecords,
  draft: string,
  wish: VmWish,
  membership: VmMembership,
  talk: Talk,
): Promise<MadeVm> {
  const { name, config, site, memoryMegabytes, diskMegabytes, base } = wish
  const others = await records.all()
  const address = freeAddress(others.flatMap(other => (other.kind === 'container' ? other.address : [])))
  talk.step('Making its disk')
  await makeDisk(join(draft, 'disk.img'), diskMegabytes, talk.signal)
  const { token, bootstrap } = await membership.token()
  talk.step('Joining the fleet')
  const peer = await runPrepare(draft, { name, base, join: { site, bootstrap } }, { token, signal: talk.signal })
  const created = timeText(new Date())
  const record: ContainerRecord = {
    ...{ v: 1, kind: 'container', name, config, memoryMegabytes, diskMegabytes, created },
    ...{ base, address, peer: peer ?? '' },
  }
  await records.write(draft, record)
  talk.signal.throwIfAborted()
  const written = await membership.declare()
  await rename(draft, records.place(name))
  await syncDirectory(records.directory)
  return { record, written }
}

/** A file of this size with an empty ext4 file system, which takes no more of the disk than is written to it. */
async function makeDisk(file: string, megabytes: number, signal: AbortSignal): Promise<void> {
  const { bavail, bsize } = await statfs(join(file, '..'))
  const free = Math.floor((bavail * bsize) / (1 << 20))
  if (free < freeMegabytes) throw full(`expected ${freeMegabytes} MiB free, found ${free}`)
  const handle = await open(file, 'wx', 0o600)
  await handle.truncate(megabytes * (1 << 20)).finally(() => handle.close())
  const settings = { timeoutMs: commandMs, lines: 5, signal }
  const { code, errors } = await runProgram('mkfs.ext4', ['-q', '-F', '-m', '0', file], settings)
  if (code !== 0) throw full(errors.join('\n'))
}

export function taken(name: string): VmError {
  return new VmError('vm-taken', `this computer has a virtual machine ${name} already`, {
    hint: `Give another name, or remove that one: thymesh vm remove ${name}`,
  })
}
