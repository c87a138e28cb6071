/** Brings a closure into the Nix store: what its chunks are not here for comes from the swarm, the rest from the disk. */

import { setMaxListeners } from 'node:events'
import { ThymeshError } from '../../protocol/errors.ts'
import type { Logger } from '../log.ts'
import type { NixStore } from '../store/nix-store.ts'
import { Assembler } from './assembler.ts'
import type { PathChunks } from './chunk-list.ts'
import type { KnownClosure } from './closures.ts'
import { FetchWindow } from './fetch-window.ts'
import { importConnections, sourceWaitMs } from './limits.ts'
import { requireSignatures } from './path-signatures.ts'
import { Progress } from './progress.ts'
import { lackOfSpace, type SpaceNeed } from './space.ts'
import type { SwarmService } from './swarm-service.ts'

export class FetchError extends ThymeshError<'no-source' | 'disk-full'> {}

export interface ClosureFetchComponents {
  store: NixStore
  swarms: SwarmService
  trustedPublicKeys: () => readonly string[]
  /** Where chunks are staged. */
  stagingDirectory?: string
  log: Logger
}

export interface FetchOptions {
  signal: AbortSignal
  onProgress?: (progress: Progress) => void
  /** Bytes that the update must leave free. */
  reserveBytes?: number
  /** Sweeps what nobody needs, when there is too little room. */
  makeRoom?: () => Promise<void>
}

/** A fetch holds the closure from the garbage collector until it is released. */
export interface FetchedClosure {
  readonly progress: Progress
  release(): Promise<void>
}

/**
 * Fetches and imports what the store lacks of a closure. Resolves when all of it is valid. Throws a FetchError when no
 * member has what is missing or the disk is too small; a StoreError when Nix refuses a path. What was fetched before stays
 * staged for the next try.
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
    const progress = new Progress(missing)
    if (missing.length > 0) await bringIn(components, known, missing, progress, options)
    return { progress, release: () => held.release() }
  } catch (thrown) {
    await held.release()
    throw thrown
  }
}

async function bringIn(
  components: ClosureFetchComponents,
  known: KnownClosure,
  missing: readonly PathChunks[],
  progress: Progress,
  options: FetchOptions,
): Promise<void> {
  const { store, swarms, trustedPublicKeys, log } = components
  // Before a byte is asked for: Nix 2.8 would take the whole NAR before it refuses the signature.
  await requireSignatures(missing, trustedPublicKeys())
  const entry = await swarms.open(known)
  const { swarm, chunks } = entry
  const lacking = lackingChunks(missing, number => chunks.has(number))
  const wanted = new Set(lacking)
  progress.begin([...lacking].reduce((sum, number) => sum + known.list.length(number), 0))
  const staged = Math.min(progress.needed, entry.budgetBytes)
  await requireSpace(components, { nars: progress.size, staged }, options)
  await entry.finder?.find(missing, number => lacking.has(number))
  const report = () => options.onProgress?.(progress)
  const onArrival = (arrival: Parameters<Progress['arrived']>[0]) => {
    progress.arrived(arrival)
    report()
  }
  const abort = new AbortController()
  const signal = AbortSignal.any([options.signal, abort.signal])
  // One listener for each chunk that is waited for.
  setMaxListeners(0, signal)
  signal.throwIfAborted()
  const onWasted = (bytes: number) => {
    progress.wasted += bytes
  }
  swarm.on('arrival', onArrival)
  swarm.on('wasted', onWasted)
  const { budgetBytes } = entry
  const isStaged = (number: number) => lacking.has(number) || entry.isStaged(number)
  const window = new FetchWindow({ list: known.list, missing, isStaged, budgetBytes })
  window.advance()
  const watchdog = watchForSources(swarm, progress, report, reason => abort.abort(reason))
  swarm.fetch(openOf(wanted, window))
  try {
    swarms.connect(entry)
    report()
    const assembler = new Assembler(
      { store, list: known.list, chunks, log },
      { parallel: importConnections, trustedPublicKeys: trustedPublicKeys() },
    )
    const available = async (number: number) => {
      if (!window.isOpen(number)) await window.opened(number)
      await swarm.available(number, signal)
    }
    await assembler.run(missing, available, {
      signal,
      onPath: ({ described }) => {
        if (window.done(described.path)) swarm.want(openOf(wanted, window))
        progress.imported()
        report()
      },
    })
  } catch (thrown) {
    // What ended it first is the reason; the rest follows from it.
    throw signal.aborted ? signal.reason : thrown
  } finally {
    clearInterval(watchdog)
    swarm.off('arrival', onArrival)
    swarm.off('wasted', onWasted)
    swarm.endFetch()
  }
}

/** Takes what may be asked for by now out of what is wanted. */
function openOf(wanted: Set<number>, window: FetchWindow): number[] {
  const open = [...wanted].filter(number => window.isOpen(number))
  for (const number of open) wanted.delete(number)
  return open
}

/** Chunks of these paths that are not here, in the order in which the paths need them; each once. */
function lackingChunks(missing: readonly PathChunks[], isHere: (number: number) => boolean): Set<number> {
  const wanted = new Set<number>()
  for (const { chunks } of missing) for (const number of chunks) if (!isHere(number)) wanted.add(number)
  return wanted
}

const watchIntervalMs = 500

/**
 * Gives up when nothing comes and nobody has what is missing, so that the device can say so. Reports when it is not known
 * any more how long the fetch will take: what was said last would stand for ever.
 */
function watchForSources(
  swarm: { hasSources: boolean; inFlight: number; remaining: number; busyUntil: number },
  progress: Progress,
  report: () => void,
  giveUp: (reason: FetchError) => void,
): NodeJS.Timeout {
  let idleMs = 0
  let before = -1
  let wasKnown = false
  return setInterval(() => {
    const isKnown = progress.secondsLeft !== undefined
    if (wasKnown && !isKnown) report()
    wasKnown = isKnown
    const now = progress.received + progress.pathsDone
    // Only what comes counts as better: a source that is asked and has nothing may come and go for ever.
    if (now !== before || swarm.remaining === 0) idleMs = 0
    else if (swarm.inFlight === 0 && swarm.busyUntil <= Date.now()) idleMs += watchIntervalMs
    before = now
    if (idleMs < sourceWaitMs) return
    const who = swarm.hasSources ? 'no member in reach has all of the release' : 'no member in reach has the release'
    giveUp(
      new FetchError('no-source', `${who}: ${progress.pathsLeft} of ${progress.paths} paths are missing`, {
        hint: 'It is tried again when members come; a peer that holds the release must be reachable.',
      }),
    )
  }, watchIntervalMs)
}

/** Looks for room, and looks again once room was made. */
async function requireSpace(
  components: ClosureFetchComponents,
  need: Pick<SpaceNeed, 'nars' | 'staged'>,
  { reserveBytes = 0, makeRoom }: Pick<FetchOptions, 'reserveBytes' | 'makeRoom'>,
): Promise<void> {
  const whole = { ...need, reserve: reserveBytes }
  let lack = await lackOfSpace(components, whole)
  if (lack !== undefined && makeRoom !== undefined) {
    await makeRoom()
    lack = await lackOfSpace(components, whole)
  }
  if (lack === undefined) return
  throw new FetchError('disk-full', lack, {
    hint: 'Free space on the device, for example with `nix-collect-garbage`; the update is tried again by itself.',
  })
}
