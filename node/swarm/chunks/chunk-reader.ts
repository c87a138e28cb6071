/** Reads chunks from store paths, and caches open NARs with their positions. */

import { LRUCache } from 'lru-cache'
import type { Positions } from '../../../protocol/closure/positions.ts'
import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import type { StorePath } from '../../../protocol/nix/store-path.ts'
import { forgottenAfter } from '../../concurrency/forgotten-after.ts'
import type { NixStore } from '../../store/local/nix-store.ts'
import { isGone } from '../../store/store-error.ts'
import type { NarSource } from '../recipe/nar-source.ts'
import { normaliseRange } from '../recipe/normalise.ts'
import type { Place } from './chunk-index.ts'
import { chunkMemory } from './chunk-memory.ts'

/**
 * Open NARs. Opening one queries the Nix daemon and may walk the path's files, and a peer's requests cover many paths
 * at a time. A layout takes about 50 bytes a file.
 */
const openNars = 32
/** One that nobody reads is closed after this long: its window and its layout are memory. */
const openMs = 60_000

/**
 * The read-ahead for sequential reads, as when a whole path is served: about eight chunks, since a read call costs
 * more than its bytes. Each open NAR holds at most one such window.
 */
const windowBytes = 512 * 1024

type RangeSource = Pick<NarSource, 'size' | 'readRange'>

/** Normalised bytes of a NAR from `start` to `end` (exclusive). */
interface Window {
  readonly start: number
  readonly end: number
  readonly bytes: Promise<Uint8Array>
}

interface OpenNar {
  readonly nar: RangeSource
  readonly positions: Positions
  window: Window | undefined
  /** The end of the last requested chunk. */
  next: number
}

/** An impossible offset, at which no chunk begins. */
const nothingAsked = -1

export interface ChunkReaderComponents {
  readonly store: { nar(path: string): Promise<RangeSource> } | Pick<NixStore, 'nar'>
  /** The reference positions of a path; undefined if its recipe isn't known. */
  readonly positionsOf: (path: StorePath) => Promise<Positions | undefined>
  /** For tests; by default a minute. */
  readonly openMs?: number
}

export class ChunkReader {
  readonly #components: ChunkReaderComponents
  readonly #open: LRUCache<StorePath, Promise<OpenNar | undefined>>

  constructor(components: ChunkReaderComponents) {
    this.#components = components
    this.#open = new LRUCache({ max: openNars, ...forgottenAfter(components.openMs ?? openMs) })
  }

  /** NARs that are open now. */
  get open(): number {
    return this.#open.size
  }

  /**
   * The normalised bytes at a place, verified against the chunk's hash, which the caller holds; undefined if they don't match, or if the path
   * is gone or has no known recipe. Throws a StoreError if the store can't be reached.
   */
  async read({ path, offset, length }: Place, hash: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      const open = await this.#opened(path)
      if (open === undefined) return undefined
      const bytes = await rangeOf(open, offset, length)
      return equalBytes(sha256(bytes), hash) ? bytes : undefined
    } catch (thrown) {
      this.forget(path)
      if (isGone(thrown)) return undefined
      throw thrown
    }
  }

  forget(path: StorePath): void {
    this.#open.delete(path)
  }

  #opened(path: StorePath): Promise<OpenNar | undefined> {
    const known = this.#open.get(path)
    if (known !== undefined) return known
    const open = this.#openNar(path)
    this.#open.set(path, open)
    return open
  }

  async #openNar(path: StorePath): Promise<OpenNar | undefined> {
    const [nar, positions] = await Promise.all([this.#components.store.nar(path), this.#components.positionsOf(path)])
    return positions && { nar, positions, window: undefined, next: nothingAsked }
  }
}

/** A chunk's normalised bytes, with one more holder; a view if it is part of a window. */
async function rangeOf(open: OpenNar, offset: number, length: number): Promise<Uint8Array> {
  const end = offset + length
  const follows = open.next === offset
  open.next = end
  let { window } = open
  if (window === undefined || offset < window.start || end > window.end) {
    if (!follows) return readNormalised(open, offset, length)
    const size = Math.max(length, Math.min(windowBytes, open.nar.size - offset))
    // What others hold of the last one stays as it is until they have given it back.
    void window?.bytes.then(last => chunkMemory.give(last)).catch(() => {})
    window = { start: offset, end: offset + size, bytes: readNormalised(open, offset, size) }
    open.window = window
  }
  return chunkMemory.hold((await window.bytes).subarray(offset - window.start, end - window.start))
}

async function readNormalised({ nar, positions }: OpenNar, offset: number, length: number): Promise<Uint8Array> {
  const memory = chunkMemory.take(length)
  return normaliseRange(await nar.readRange(offset, length, memory), offset, positions)
}
