/** What this side has asked one peer for: takes the answers, decodes them and verifies their hashes. */

import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import type { Base, ChunkEncoding, ChunkFrame } from '../../../protocol/messages/swarm.ts'
import { RateMeter } from '../../concurrency/rate-meter.ts'
import type { ChunkList } from '../chunks/chunk-list.ts'
import { chunkMemory } from '../chunks/chunk-memory.ts'
import type { BaseFinder } from '../delta/base-finder.ts'
import type { Bases } from '../delta/bases.ts'
import { receivedFadeMs } from '../limits.ts'
import { SessionError } from './session-error.ts'
import { unpack } from './unpack.ts'

export interface ChunkReceiverComponents {
  list: ChunkList
  /** Finds and reads the delta bases for our requests. */
  finder?: Pick<BaseFinder, 'baseOf' | 'forget'> | undefined
  bases?: Pick<Bases, 'read'> | undefined
}

export class ChunkReceiver {
  /** Bytes of uncompressed chunks, which windows are counted in. */
  readonly received = new RateMeter(receivedFadeMs)
  readonly #components: ChunkReceiverComponents
  readonly #onWasted: (bytes: number) => void
  /** Requests that may still be answered, by chunk. A chunk that was cancelled and requested again may arrive twice. */
  readonly #asked = new Map<number, number>()
  /** The delta base that was requested for a chunk. */
  readonly #bases = new Map<number, Base>()

  constructor(components: ChunkReceiverComponents, onWasted: (bytes: number) => void) {
    this.#components = components
    this.#onWasted = onWasted
  }

  /** The chunks whose answers may still come. */
  get pending(): number[] {
    return [...this.#asked.keys()]
  }

  /** Notes a request, and returns the base to ask for the chunk from. */
  ask(chunk: number): Base | undefined {
    this.#asked.set(chunk, (this.#asked.get(chunk) ?? 0) + 1)
    const base = this.#bases.get(chunk) ?? this.#components.finder?.baseOf(chunk)
    if (base !== undefined) this.#bases.set(chunk, base)
    return base
  }

  /** Removes one request; false if there was none. */
  answered(chunk: number): boolean {
    const asked = this.#asked.get(chunk)
    if (asked === undefined) return false
    if (asked > 1) this.#asked.set(chunk, asked - 1)
    else this.#asked.delete(chunk)
    return true
  }

  /**
   * The verified bytes of a chunk that came; undefined if its delta base has vanished here, which isn't the peer's fault: it
   * is to be requested whole. Throws a SessionError if it was not requested or is wrong.
   */
  async take({ chunk, encoding, bytes }: ChunkFrame): Promise<Uint8Array | undefined> {
    const { list } = this.#components
    // A cancelled chunk may still arrive; one that was never requested may not.
    if (!this.answered(chunk)) throw new SessionError('misbehaved', `chunk ${chunk} was not requested`)
    const plain = await this.#plain(chunk, encoding, bytes)
    if (plain !== bytes) chunkMemory.give(bytes)
    if (plain === undefined) return undefined
    this.received.add(plain.length)
    if (plain.length !== list.length(chunk) || !equalBytes(sha256(plain), list.hash(chunk))) {
      this.#onWasted(plain.length)
      throw new SessionError('misbehaved', `chunk ${chunk} doesn't match its hash`)
    }
    return plain
  }

  /** The decoded chunk; undefined if its delta base is no longer here. */
  async #plain(chunk: number, encoding: ChunkEncoding, bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const base = this.#bases.get(chunk)
    if (!this.#asked.has(chunk)) this.#bases.delete(chunk)
    if (encoding === 'raw') return bytes
    const length = this.#components.list.length(chunk)
    if (encoding === 'zstd') return await unpack(bytes, length).catch(unreadable)
    if (base === undefined) throw new SessionError('misbehaved', `chunk ${chunk} was not requested as a delta`)
    const dictionary = await this.#components.bases?.read(base)
    if (dictionary !== undefined) return await unpack(bytes, length, dictionary).catch(unreadable)
    this.#bases.delete(chunk)
    this.#components.finder?.forget(chunk)
    return undefined
  }
}

function unreadable(cause: unknown): never {
  throw new SessionError('misbehaved', `a chunk can't be decompressed: ${messageOf(cause)}`, { cause })
}
