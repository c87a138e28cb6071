/** NARs out of the mesh as streams, for the loopback cache: what Nix asks for that is not in the store. */

import { setMaxListeners } from 'node:events'
import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import type { MeshNars as MeshNarsInterface } from '../../store/cache/cache-source.ts'
import type { PathInfo } from '../../store/path-info.ts'
import type { PathChunks } from '../chunks/chunk-list.ts'
import type { Closures } from '../chunks/closures.ts'
import { restore } from '../recipe/normalise.ts'
import type { OpenSwarm, SwarmService } from '../session/swarm-service.ts'
import type { Reservation } from '../staging/reservation.ts'

export class MeshNarError extends ThymeshError<'not-described' | 'chunk-lost'> {}

/** A chunk that is gone when it is to be read is asked for again: each time a garbage collection must have struck. */
const maxChunkTries = 8

export class MeshNars implements MeshNarsInterface {
  readonly #closures: Closures
  readonly #swarms: SwarmService

  constructor(components: { closures: Closures; swarms: SwarmService }) {
    this.#closures = components.closures
    this.#swarms = components.swarms
  }

  async *open(info: PathInfo, start: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const entry = await this.#entryWith(info.path)
    const path = entry?.swarm.list.paths.find(({ described }) => described.path === info.path)
    if (entry === undefined || path === undefined || !equalBytes(path.described.narHash, info.narHash)) {
      throw new MeshNarError('not-described', `no release that is known here holds ${info.path}`)
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
          // Gone, or the room was taken back. What is left is claimed anew: who waits for room must hold none.
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

  /** The swarm of a closure that holds a path; nothing when its documents are not all here. */
  async #entryWith(path: string): Promise<OpenSwarm | undefined> {
    const hash = this.#closures.withPath(path)
    if (hash === undefined) return undefined
    const opened = await this.#swarms.opened(hash)
    if (opened !== undefined) return opened
    const known = await this.#closures.held(hash)
    return known && (await this.#swarms.open(known))
  }

  /** Waits for room for what is left of a path, then asks for it: as deltas where an old version is here. */
  async #ask(
    { swarm, chunks, budget, finder }: OpenSwarm,
    reservation: Reservation,
    path: PathChunks,
    place: number,
    signal: AbortSignal,
  ) {
    const left = [...path.chunks.subarray(place)]
    await reservation.hold([...new Set(left.filter(number => budget.has(number) || !chunks.has(number)))], signal)
    // Only now: what nobody claimed may have gone for others meanwhile.
    const lacking = new Set(left.filter(number => !chunks.has(number)))
    await finder?.find([path], number => lacking.has(number))
    swarm.want(lacking)
  }

  /** A chunk's bytes; nothing when it was here, is gone, and there is no room for it. */
  async #chunk({ swarm, chunks }: OpenSwarm, reservation: Reservation, number: number, signal: AbortSignal) {
    for (let tries = 0; tries < maxChunkTries; tries++) {
      if (!chunks.has(number) && !reservation.tryHold([number])) return undefined
      await swarm.available(number, signal)
      const bytes = await chunks.read(number)
      if (bytes !== undefined) return bytes
    }
    throw new MeshNarError('chunk-lost', `chunk ${number} is gone each time it is read`)
  }
}

/** A copy, since the chunk's bytes may be on their way to another peer. */
function restored({ recipe, slots }: PathChunks, bytes: Uint8Array, offset: number): Uint8Array {
  return restore(Buffer.from(bytes), offset, recipe.positions, slots)
}
