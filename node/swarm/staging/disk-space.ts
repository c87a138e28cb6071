/** Checks the free disk space for an update before anything is fetched, for the store and for staged chunks. */

import { stat, statfs } from 'node:fs/promises'
import { storeDir } from '../../../protocol/nix/store-path.ts'
import type { NixStore } from '../../store/local/nix-store.ts'

/** Overhead of an import beyond its NARs: the database, directories, the last block of each file. */
const spaceMargin = 1.1

/** Inodes that an update leaves free: for databases, staged chunks and other programs. */
export const inodeReserve = 256

export interface SpaceNeed {
  /** Paths that the store lacks: each needs at least one inode. The import shows how many more. */
  paths: number
  /** Bytes of NARs that the store lacks. */
  nars: number
  /** Bytes of chunks staged at a time. */
  staged: number
  /** Bytes that must stay free. */
  reserve: number
}

export interface SpaceComponents {
  store: Pick<NixStore, 'freeBytes' | 'freeInodes' | 'stateDir'>
  /** Where chunks are staged; on the store's disk if undefined. */
  stagingDirectory?: string | undefined
}

/** A description of the missing space; undefined if there is enough. */
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
    return `expected ${mebibytes(staged + reserve)} free for staged chunks, got ${mebibytes(apart)} on the disk of the state`
  }
  return undefined
}

/** The free bytes of the staging disk if it isn't the store's; else undefined. */
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
