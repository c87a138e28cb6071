/** Streams NARs from the mesh for the loopback binary cache: paths that Nix requests and the store lacks. */

import { setMaxListeners } from 'node:events'
import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import type { MeshNars as MeshNarsInterface } from '../../store/cache/cache-source.ts'
import type { PathInfo } from '../../store/path-info.ts'
import type { PathChunks } from '../chunks/chunk-list.ts'
import type { Closures } from '../chunks/closures.ts'
import { restore } from '../recipe/normalise.ts'
import type { OpenSwarm } from '../session/open-swarms.ts'
import type { SwarmService } from '../session/swarm-service.ts'
import type { Reservation } from '../staging/reservation.ts'

export class MeshNarError extends ThymeshError<'not-described' | 'chunk-lost'> {}

/** Retries for a chunk that vanished before it was read: each time, a garbage collection must have taken it. */
const maxChunkTries = 8

export class MeshNars implements MeshNarsInterface {
  readonly #closures: Closures
  readonly #swarms: SwarmService

  constructor(components: { closures: Closures; swarms: SwarmService }) {
    this.#closures = components.closures
    this.#swarms = components.swarms
  }

  async *open(info: PathInfo, start: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const entry = await this.#entryWith(info.path, signal)
    const path = entry?.swarm.list.paths.find(({ described }) => described.path === info.path)
    if (entry === undefined || path === undefined || !equalBytes(path.described.narHash, info.narHash)) {
      throw new MeshNarError('not-described', `no known release contains ${info.path}`)
    }
    const from = path.recipe.chunks.findLastIndex(({ offset }) => offset <= start)
    setMaxListeners(0, signal)
    const reservation = entry.budget.reservePreemptible(chunks => entry.swarm.unwant(chunks))
    entry.swarm.fetch([])
    try {
      this.#swarms.connect(entry)
      for (let place = from; place < path.chunks.length; ) {
        await this.#ask(entry, reservation, path, place, signal)
        for (; place < path.chunks.length; place++) {
          const bytes = await this.#chunk(entry, reservation, path.chunks[place] ?? 0, signal)
          // The chunk vanished or the reservation was preempted. The rest is reserved anew: a waiting fetch must hold
          // nothing.
          if (bytes === undefined) break
          const offset = path.recipe.chunks[place]?.offset ?? 0
          const plain = restored(path, bytes, offset)
          yield offset < start ? plain.subarray(start - offset) : plain
        }
        entry.swarm.unwant(reservation.release(reservation.chunks))
      }
    } finally {
      entry.swarm.unwant(reservation.end())
      entry.swarm.endFetch()
    }
  }

  /** The swarm of a closure that contains a path; fetches its documents if it is of a config that isn't the device's own. */
  async #entryWith(path: string, signal: AbortSignal): Promise<OpenSwarm | undefined> {
    const hash = this.#closures.withPath(path)
    if (hash === undefined) return undefined
    const opened = await this.#swarms.opened(hash)
    if (opened !== undefined) return opened
    const known = (await this.#closures.held(hash)) ?? (await this.#closures.fetched(hash, signal))
    return await this.#swarms.open(known)
  }

  /** Waits for space for the rest of a path, then requests it: as deltas if an old version is in the store. */
  async #ask(
    { swarm, chunks, budget, finder }: OpenSwarm,
    reservation: Reservation,
    path: PathChunks,
    place: number,
    signal: AbortSignal,
  ) {
    const left = [...path.chunks.subarray(place)]
    await reservation.hold([...new Set(left.filter(number => budget.has(number) || !chunks.has(number)))], signal)
    // Checked only now: unreserved chunks may have been evicted meanwhile.
    const lacking = new Set(left.filter(number => !chunks.has(number)))
    await finder?.find([path], number => lacking.has(number))
    swarm.want(lacking)
  }

  /** A chunk's bytes; undefined if it has vanished and there is no space for it. */
  async #chunk({ swarm, chunks }: OpenSwarm, reservation: Reservation, number: number, signal: AbortSignal) {
    for (let tries = 0; tries < maxChunkTries; tries++) {
      if (!chunks.has(number) && !reservation.tryHold([number])) return undefined
      await swarm.available(number, signal)
      const bytes = await chunks.read(number)
      if (bytes !== undefined) return bytes
    }
    throw new MeshNarError('chunk-lost', `chunk ${number} vanishes each time before it is read`)
  }
}

/** A copy, since the chunk's buffer may be in use for sending it to another peer. */
function restored({ recipe, slots }: PathChunks, bytes: Uint8Array, offset: number): Uint8Array {
  return restore(Buffer.from(bytes), offset, recipe.positions, slots)
}
