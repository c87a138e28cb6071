/** Makes a virtual machine in a folder that is none yet: it is whole at its end, or nothing of it is left. */

import { mkdir, rename, rm } from 'node:fs/promises'
import { syncDirectory } from '../../node/files/durable-file.ts'
import { exists } from '../../node/files/missing.ts'
import type { Talk } from '../tasks/talk.ts'
import { whileLocked } from './lock.ts'
import type { VmRecord, VmRecords } from './records.ts'
import { VmError } from './vm-error.ts'
import type { VmMembership } from './wish.ts'

/** `fill` makes the disk in the folder that it is given, and lets the machine join. Throws a VmError, or what that throws. */
export async function makeVm<Made extends VmRecord>(
  records: VmRecords,
  name: string,
  membership: VmMembership,
  talk: Talk,
  fill: (draft: string) => Promise<Made>,
): Promise<{ readonly record: Made; readonly written: string[] }> {
  await records.prepare()
  return await whileLocked(records.lockFile(name), name, async () => {
    await requireNew(records, name)
    const draft = records.draft(name)
    // Of a command that was killed.
    await rm(draft, { recursive: true, force: true })
    await records.requireRoomForOne()
    try {
      await mkdir(draft, { mode: 0o700 })
      const record = await fill(draft)
      await records.write(draft, record)
      talk.signal.throwIfAborted()
      const written = await membership.declare()
      await rename(draft, records.place(name))
      await syncDirectory(records.directory)
      return { record, written }
    } catch (thrown) {
      await rm(draft, { recursive: true, force: true })
      await membership.forget().catch(() => talk.note(`Its token or its file may be left: thymesh retire ${name}`))
      throw thrown
    }
  })
}

/** Throws a VmError where there is one of this name. */
export async function requireNew(records: VmRecords, name: string): Promise<void> {
  if (!(await exists(records.place(name)))) return
  throw new VmError('vm-taken', `this computer has a virtual machine ${name} already`, {
    hint: `Give another name, or remove that one: thymesh vm remove ${name}`,
  })
}
