/** Temporary folders that outlive no process: removed at its end and by signals, and after a crash by the next process. */

import { rmSync } from 'node:fs'
import { mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from '../process/at-end.ts'
import { namespaceOf } from '../process/namespace.ts'
import { startOf } from '../process/start-of.ts'

export interface TemporaryFolder {
  /** Only this user can read it. */
  readonly path: string
  /** Removes it with all that is in it; a second time does nothing. */
  remove(): Promise<void>
}

const form = /^thymesh-temporary-(\d+)-(\d+)-(\d+)-/

/** Makes one: with `inMemory` on a tmpfs if there is one, since what is removed from a disk may still be found there. */
export async function temporaryFolder({ inMemory = false } = {}): Promise<TemporaryFolder> {
  const above = await realpath(inMemory ? await memoryFolder() : tmpdir())
  const { pid } = process
  const path = await mkdtemp(join(above, `thymesh-temporary-${namespace()}-${pid}-${startOf(pid) ?? 0}-`))
  const isGone = atEnd(() => rmSync(path, { recursive: true, force: true }))
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true })
      isGone()
    },
  }
}

/** Removes the folders of processes that ended without removing them. Folders that can't be removed stay. */
export async function removeLeftovers(): Promise<void> {
  const places = new Set([tmpdir(), ...memoryFolders()])
  for (const place of places) {
    for (const name of await readdir(place).catch(() => [])) {
      const [, space, pid, start] = form.exec(name) ?? []
      // A process of another container is not to be seen from here, whether it runs or not.
      if (space !== namespace() || startOf(Number(pid)) === start) continue
      await rm(join(place, name), { recursive: true, force: true }).catch(() => {})
    }
  }
}

async function memoryFolder(): Promise<string> {
  for (const folder of memoryFolders()) {
    if ((await stat(folder).catch(() => undefined))?.isDirectory()) return folder
  }
  return tmpdir()
}

function memoryFolders(): string[] {
  return [process.env.XDG_RUNTIME_DIR || '/dev/shm', '/dev/shm']
}

/** That of process IDs. */
function namespace(): string {
  return namespaceOf('pid') ?? '0'
}
