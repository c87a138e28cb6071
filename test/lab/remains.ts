/** Names that say which test process made a thing, so that what a killed one left can be told and removed. */

import { readdirSync, readlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

/** PIDs mean something only within their namespace, and a directory may be shared between containers. */
const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0'

/** The prefix of this process's names. */
export const ownPrefix = `thymesh-lab-${namespace}-${process.pid}-`

/** Names in `dir` of things whose test process is gone. */
export function remainsIn(dir: string): string[] {
  return readdirSync(dir).filter(name => {
    const [, itsNamespace, pid] = /^thymesh-lab-(\d+)-(\d+)-/.exec(name) ?? []
    return itsNamespace === namespace && !alive(Number(pid))
  })
}

/** Removes what test processes that were killed have left in `dir`; their machines have ended with them. */
export async function removeRemains(dir: string): Promise<void> {
  await Promise.all(remainsIn(dir).map(name => rm(join(dir, name), { recursive: true, force: true })))
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
