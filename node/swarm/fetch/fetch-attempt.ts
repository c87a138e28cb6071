/** One attempt at bringing a closure in: its chunks are asked for as there is room, and its paths imported as they come. */

import { setMaxListeners } from 'node:events'
import { ThymeshError } from '../../../protocol/errors.ts'
import type { Logger } from '../../process/log.ts'
import type { NixStore } from '../../store/local/nix-store.ts'
import type { ChunkList, PathChunks } from '../chunks/chunk-list.ts'
import { importConnections, sourceWaitMs } from '../limits.ts'
import type { Arrival } from '../session/closure-swarm.ts'
import type { OpenSwarm, SwarmService } from '../session/swarm-service.ts'
import { Assembler } from './assembler.ts'
import { FetchWindow } from './fetch-window.ts'
import type { Progress } from './progress.ts'

/** `no-source`: no member has what is missing. `disk-full`: the disk is too small for the closure. */
export class FetchError extends ThymeshError<'no-source' | 'disk-full'> {}

/**
 * Chunks that were counted on are gone, and room for them is taken by chunks that are needed later. So the attempt ends
 * and the next one begins with what is known now: it holds room in the order in which paths need it.
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

/** Whether all came in; false when it must begin anew. Throws what ended it otherwise. */
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
  /** Chunks that were not here when it began, or are gone since. */
  readonly #lacking: Set<number>

  constructor(components: AttemptComponents, init: AttemptInit) {
    this.#components = components
    this.#init = init
    this.#signal = AbortSignal.any([init.signal, this.#abort.signal])
    // One listener for each chunk that is waited for.
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
    const onArrival = (arrival: Arrival) => {
      // Others may fetch of the same closure: the loopback cache does.
      if (this.#lacking.has(arrival.chunk)) progress.arrived(arrival)
      onProgress()
    }
    const onWasted = (bytes: number) => {
      progress.wasted += bytes
    }
    swarm.on('arrival', onArrival)
    swarm.on('wasted', onWasted)
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
      // What ended it first is the reason; the rest follows from it.
      throw this.#signal.aborted ? this.#signal.reason : thrown
    } finally {
      clearInterval(watchdog)
      this.#abort.abort(new Error('the attempt has ended'))
      await opening
      swarm.off('arrival', onArrival)
      swarm.off('wasted', onWasted)
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
        // It was here and is no longer: the garbage collector took its path, say.
        if (reservation.tryHold([number])) this.#lacks(number)
        else this.#abort.abort(new RoomTaken('there is no room for chunks that were counted on and are gone'))
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
