/** One attempt at fetching a closure: requests chunks as space permits, and imports paths as their chunks arrive. */

import { setMaxListeners } from 'node:events'
import { ThymeshError } from '../../../protocol/errors.ts'
import type { Logger } from '../../process/log.ts'
import type { NixStore } from '../../store/local/nix-store.ts'
import type { ChunkList, PathChunks } from '../chunks/chunk-list.ts'
import { importConnections, sourceWaitMs } from '../limits.ts'
import type { Arrival } from '../session/arrival.ts'
import type { OpenSwarm } from '../session/open-swarms.ts'
import type { SwarmService } from '../session/swarm-service.ts'
import { Assembler } from './assembler.ts'
import { FetchWindow } from './fetch-window.ts'
import type { Progress } from './progress.ts'

/** `no-source`: no member has the missing chunks. `disk-full`: the disk is too small for the closure. */
export class FetchError extends ThymeshError<'no-source' | 'disk-full'> {}

/**
 * Chunks that were available have vanished, and chunks that are needed later occupy their space. The attempt ends,
 * and the next one reserves space in the order in which paths need it.
 */
class RoomTaken extends Error {}

export interface AttemptComponents {
  readonly store: NixStore
  readonly swarms: Pick<SwarmService, 'connect'>
  readonly entry: OpenSwarm
  readonly list: ChunkList
  readonly log: Logger
}

export interface AttemptInit {
  readonly missing: readonly PathChunks[]
  readonly progress: Progress
  readonly onProgress: () => void
  readonly signal: AbortSignal
}

/** Resolves to true when all is imported, to false if the fetch must start again. Throws whatever else ended it. */
export async function attemptFetch(components: AttemptComponents, init: AttemptInit): Promise<boolean> {
  const attempt = new Attempt(components, init)
  try {
    await attempt.run()
    return true
  } catch (thrown) {
    if (thrown instanceof RoomTaken) return false
    throw thrown
  }
}

class Attempt {
  readonly #components: AttemptComponents
  readonly #init: AttemptInit
  readonly #abort = new AbortController()
  readonly #signal: AbortSignal
  /** Chunks that were missing at the start, or have vanished since. */
  readonly #lacking: Set<number>

  constructor(components: AttemptComponents, init: AttemptInit) {
    this.#components = components
    this.#init = init
    this.#signal = AbortSignal.any([init.signal, this.#abort.signal])
    // One listener for each awaited chunk.
    setMaxListeners(0, this.#signal)
    this.#lacking = lackingChunks(init.missing, number => components.entry.chunks.has(number))
  }

  async run(): Promise<void> {
    const { entry, swarms } = this.#components
    const { missing, progress, onProgress } = this.#init
    const { swarm, budget, chunks } = entry
    progress.expect([...this.#lacking].reduce((sum, number) => sum + this.#lengthOf(number), 0))
    await entry.finder?.find(missing, number => this.#lacking.has(number))
    this.#signal.throwIfAborted()
    const reservation = budget.reserve()
    const needsSpace = (number: number) => budget.has(number) || !chunks.has(number)
    const { budgetBytes } = budget
    const window = new FetchWindow({ list: this.#components.list, missing, needsSpace, budgetBytes, reservation })
    const came = new Set<number>()
    const onArrival = (arrival: Arrival) => {
      // Others may fetch the same closure, such as the loopback cache.
      if (this.#lacking.has(arrival.chunk)) progress.arrived(arrival)
      came.add(arrival.chunk)
      onProgress()
    }
    const onFound = (numbers: readonly number[]) => {
      for (const number of numbers) {
        if (!came.has(number) && this.#lacking.delete(number)) progress.needed -= this.#lengthOf(number)
      }
      onProgress()
    }
    const onWasted = (bytes: number) => {
      progress.wasted += bytes
    }
    swarm.on('arrival', onArrival)
    swarm.on('wasted', onWasted)
    swarm.on('found', onFound)
    swarm.fetch([])
    const watchdog = watchForSources(swarm, progress, onProgress, reason => this.#abort.abort(reason))
    const ask = (opened: readonly number[]) => {
      const absent = opened.filter(number => !chunks.has(number))
      for (const number of absent) this.#lacks(number)
      swarm.want(absent)
    }
    const opening = window.run(ask, this.#signal).catch(thrown => this.#abort.abort(thrown))
    try {
      swarms.connect(entry)
      onProgress()
      await this.#assemble(window, reservation)
    } catch (thrown) {
      // The first failure is the reason; later ones follow from it.
      throw this.#signal.aborted ? this.#signal.reason : thrown
    } finally {
      clearInterval(watchdog)
      this.#abort.abort(new Error('the attempt has ended'))
      await opening
      swarm.off('arrival', onArrival)
      swarm.off('wasted', onWasted)
      swarm.off('found', onFound)
      swarm.unwant(reservation.end())
      swarm.endFetch()
    }
  }

  async #assemble(
    window: FetchWindow,
    reservation: { has(number: number): boolean; tryHold(chunks: number[]): boolean },
  ) {
    const { store, entry, list, log } = this.#components
    const { missing, progress, onProgress } = this.#init
    const { swarm, chunks } = entry
    const available = async (number: number) => {
      if (!window.isOpen(number)) await window.opened(number)
      if (!reservation.has(number) && !chunks.has(number)) {
        // It was here and has vanished: for example, the garbage collector took its path.
        if (reservation.tryHold([number])) this.#lacks(number)
        else this.#abort.abort(new RoomTaken('there is no space for chunks that were available and have vanished'))
      }
      await swarm.available(number, this.#signal)
    }
    const assembler = new Assembler({ store, list, chunks, log }, { parallel: importConnections })
    await assembler.run(missing, available, {
      signal: this.#signal,
      onPath: ({ described }) => {
        window.done(described.path)
        progress.imported()
        onProgress()
      },
    })
  }

  #lacks(number: number): void {
    if (this.#lacking.has(number)) return
    this.#lacking.add(number)
    this.#init.progress.needed += this.#lengthOf(number)
  }

  #lengthOf(number: number): number {
    return this.#components.list.length(number)
  }
}

/** The missing chunks of these paths, in the order in which the paths need them; each once. */
function lackingChunks(missing: readonly PathChunks[], isHere: (number: number) => boolean): Set<number> {
  const wanted = new Set<number>()
  for (const { chunks } of missing) for (const number of chunks) if (!isHere(number)) wanted.add(number)
  return wanted
}

const watchIntervalMs = 500

/**
 * Gives up if nothing arrives and no member has the missing chunks, so that the device can report it. Also reports
 * when the remaining time becomes unknown, to replace the last estimate.
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
    // Only arriving chunks count as progress: a source that never has anything may reconnect forever.
    if (now !== before || swarm.remaining === 0) idleMs = 0
    else if (swarm.inFlight === 0 && swarm.busyUntil <= Date.now()) idleMs += watchIntervalMs
    before = now
    if (idleMs < sourceWaitMs) return
    const who = swarm.hasSources ? 'no reachable member has all of the release' : 'no reachable member has the release'
    giveUp(
      new FetchError('no-source', `${who}: ${progress.pathsLeft} of ${progress.paths} paths are missing`, {
        hint: 'It is retried when members connect; a peer that holds the release must be reachable.',
      }),
    )
  }, watchIntervalMs)
}
