/** Room for an update, looked for before a byte is fetched: on the store's disk and on that of the chunks in flight. */

import { stat, statfs } from 'node:fs/promises'
import { storeDir } from '../../../protocol/nix/store-path.ts'
import type { NixStore } from '../../store/local/nix-store.ts'

/** What an import needs beyond its NARs: the database, directories, the last block of each file. */
const spaceMargin = 1.1

/** Inodes that an update leaves free: for the databases, staged chunks and whatever else the machine writes. */
export const inodeReserve = 256

export interface SpaceNeed {
  /** Paths that the store lacks: each has a file or folder at least. How many more, only the import shows. */
  paths: number
  /** NARs that the store lacks. */
  nars: number
  /** Chunks that lie staged at a time. */
  staged: number
  /** What must stay free. */
  reserve: number
}

export interface SpaceComponents {
  store: Pick<NixStore, 'freeBytes' | 'freeInodes' | 'stateDir'>
  /** Where chunks are staged; on the store's disk when it isn't known. */
  stagingDirectory?: string | undefined
}

/** What is too small, in words; nothing when there is room for all. */
export async function diskSpaceProblem(
  { store, stagingDirectory }: SpaceComponents,
  { paths, nars, staged, reserve }: SpaceNeed,
): Promise<string | undefined> {
  const apart = await otherDisk(store.stateDir, stagingDirectory)
  const onStore = (apart === undefined ? nars + staged : nars) * spaceMargin + reserve
  const free = await store.freeBytes()
  if (free < onStore) return `expected ${mebibytes(onStore)} free for the update, got ${mebibytes(free)}`
  const inodes = await store.freeInodes()
  if (inodes !== undefined && inodes < paths + inodeReserve) {
    return `expected ${paths + inodeReserve} free inodes for the update, got ${inodes}`
  }
  if (apart !== undefined && apart < staged + reserve) {
    return `expected ${mebibytes(staged + reserve)} free for what is in flight, got ${mebibytes(apart)} where the state is`
  }
  return undefined
}

/** The free bytes of the staging disk, where that is another one than the store's. */
async function otherDisk(stateDir: string, stagingDirectory: string | undefined): Promise<number | undefined> {
  if (stagingDirectory === undefined) return undefined
  try {
    const store = stateDir.replace(/\/nix\/var\/nix$/, storeDir)
    if ((await stat(store)).dev === (await stat(stagingDirectory)).dev) return undefined
    const { bavail, bsize } = await statfs(stagingDirectory)
    return bavail * bsize
  } catch {
    return undefined
  }
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / (1 << 20))} MiB`
}
