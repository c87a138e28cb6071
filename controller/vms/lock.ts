/** One command at a time works on a machine: a file names the process, and is nobody's once that has ended. */

import { readFile, rename, rm } from 'node:fs/promises'
import { createFile } from '../../node/files/durable-file.ts'
import { unlessMissing } from '../../node/files/missing.ts'
import { startOf } from '../../node/process/start-of.ts'
import { bootId } from './boot-id.ts'
import { VmError } from './vm-error.ts'

/** Works while nobody else does. Throws a VmError where another command is at work. */
export async function whileLocked<T>(file: string, name: string, work: () => Promise<T>): Promise<T> {
  await lock(file, name)
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}

/** Takes the lock, also of a process that has ended. */
async function lock(file: string, name: string): Promise<void> {
  const own = `${file}.${process.pid}`
  for (let tries = 0; tries < 3; tries++) {
    try {
      await createFile(file, mark(process.pid), { draft: own })
      return
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
    }
    const holder = await unlessMissing(readFile(file, 'utf8'))
    if (holder === undefined) continue // it was given back in the meantime
    if (isAlive(holder)) throw busy(name, holder)
    // Moved, not removed: another command may have taken it over between our look and this.
    await unlessMissing(rename(file, own))
    const taken = await unlessMissing(readFile(own, 'utf8'))
    if (taken !== undefined && taken !== holder) await unlessMissing(rename(own, file))
    await rm(own, { force: true })
  }
  throw busy(name, 'many')
}

/** `PID START BOOT`. */
function mark(pid: number): string {
  return `${pid} ${startOf(pid)} ${bootId()}`
}

function isAlive(holder: string): boolean {
  const pid = Number(holder.split(' ')[0])
  return Number.isInteger(pid) && pid > 0 && mark(pid) === holder
}

function busy(name: string, holder: string): VmError {
  return new VmError('vm-busy', `another command is at work on ${name}: process ${holder.split(' ')[0]}`, {
    hint: 'Wait until it has ended, then run this again.',
  })
}
