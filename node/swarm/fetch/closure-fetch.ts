/** Fetches a closure into the Nix store: missing chunks come from the swarm, the others from the disk. */

import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { heapPace } from '../../process/heap-pace.ts'
import type { Logger } from '../../process/log.ts'
import type { NixStore } from '../../store/local/nix-store.ts'
import type { PathChunks } from '../chunks/chunk-list.ts'
import type { KnownClosure } from '../chunks/closures.ts'
import type { SwarmService } from '../session/swarm-service.ts'
import { diskSpaceProblem, type SpaceNeed } from '../staging/disk-space.ts'
import { attemptFetch, FetchError } from './fetch-attempt.ts'
import { requireSignatures } from './path-signatures.ts'
import { Progress } from './progress.ts'
import { requireStoredContent } from './stored-content.ts'

export { FetchError }

export interface ClosureFetchComponents {
  store: NixStore
  swarms: SwarmService
  trustedPublicKeys: () => readonly string[]
  /** The directory for staged chunks. */
  stagingDirectory?: string
  log: Logger
}

export interface FetchOptions {
  signal: AbortSignal
  onProgress?: (progress: Progress) => void
  /** Bytes that the update must leave free. */
  reserveBytes?: number
  /** Frees disk space by collecting garbage, if there is too little. */
  makeRoom?: () => Promise<void>
}

/** A fetched closure is protected from the garbage collector until it is released. */
export interface FetchedClosure {
  readonly progress: Progress
  release(): Promise<void>
}

/**
 * Fetches and imports the paths of a closure that the store lacks. Resolves when all are valid. Throws a FetchError
 * if no member has the missing chunks or the disk is too small; a StoreError if Nix refuses a path, or has other content
 * under one. Fetched chunks
 * stay staged for the next attempt.
 */
export async function fetchClosure(
  components: ClosureFetchComponents,
  known: KnownClosure,
  options: FetchOptions,
): Promise<FetchedClosure> {
  const { store } = components
  const { list } = known
  const all = list.paths.map(({ described }) => described.path)
  const held = await store.holdTempRoots(all)
  try {
    const valid = await store.validPaths(all)
    const missing = list.paths.filter(({ described }) => !valid.has(described.path))
    const stored = list.paths.filter(({ described }) => valid.has(described.path))
    await requireStoredContent(store, stored, components.trustedPublicKeys())
    const progress = new Progress(missing)
    if (missing.length > 0) await bringIn(components, known, missing, progress, options)
    return { progress, release: () => held.release() }
  } catch (thrown) {
    await held.release()
    if (isDiskFull(thrown)) await store.deletePartial(all).catch(() => {})
    throw thrown
  }
}

const isDiskFull = (thrown: unknown) => thrown instanceof ThymeshError && thrown.code === 'disk-full'

async function bringIn(
  components: ClosureFetchComponents,
  known: KnownClosure,
  missing: readonly PathChunks[],
  progress: Progress,
  options: FetchOptions,
): Promise<void> {
  const { store, swarms, log } = components
  // Checked before anything is requested: Nix 2.8 would receive the whole NAR before it refuses the signature.
  await requireSignatures(missing, components.trustedPublicKeys())
  const entry = await swarms.open(known)
  const needed = lackingBytes(known, missing, number => entry.chunks.has(number))
  progress.begin(needed)
  const staged = Math.min(needed, entry.budget.budgetBytes)
  await requireSpace(components, { paths: missing.length, nars: progress.size, staged }, options)
  const attempt = { store, swarms, entry, list: known.list, log }
  const onProgress = () => options.onProgress?.(progress)
  const { signal } = options
  const endLate = heapPace.collectLate()
  let { makeRoom } = options
  const isDone = (left: readonly PathChunks[]) =>
    attemptFetch(attempt, { missing: left, progress, onProgress, signal }).catch(async (thrown: unknown) => {
      // How many inodes a path takes is known only now.
      if (makeRoom === undefined || !isDiskFull(thrown)) throw thrown
      log.warn(
        { reason: messageOf(thrown) },
        'the disk is full: the store is garbage-collected, then the fetch continues',
      )
      await makeRoom()
      makeRoom = undefined
      return false
    })
  try {
    // Terminates: each repetition means that available chunks have left the store for good, or that space was freed,
    // which happens once.
    for (let left = missing; !(await isDone(left)); ) {
      log.info('the fetch starts again with what is missing now')
      const valid = await store.validPaths(left.map(({ described }) => described.path))
      left = left.filter(({ described }) => !valid.has(described.path))
    }
  } finally {
    endLate()
  }
}

function lackingBytes({ list }: KnownClosure, missing: readonly PathChunks[], isHere: (number: number) => boolean) {
  const numbers = new Set(missing.flatMap(({ chunks }) => [...chunks]))
  return [...numbers].reduce((sum, number) => sum + (isHere(number) ? 0 : list.length(number)), 0)
}

/** Checks the free space, and again after space was freed. */
async function requireSpace(
  components: ClosureFetchComponents,
  need: Omit<SpaceNeed, 'reserve'>,
  { reserveBytes = 0, makeRoom }: Pick<FetchOptions, 'reserveBytes' | 'makeRoom'>,
): Promise<void> {
  const whole = { ...need, reserve: reserveBytes }
  let lack = await diskSpaceProblem(components, whole)
  if (lack !== undefined && makeRoom !== undefined) {
    await makeRoom()
    lack = await diskSpaceProblem(components, whole)
  }
  if (lack === undefined) return
  throw new FetchError('disk-full', lack, {
    hint: 'Free space on the device, for example with `nix-collect-garbage`; the update is retried automatically.',
  })
}
