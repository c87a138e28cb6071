/** Reads chunks out of the store's paths: NARs that were read lately stay open, with their positions. */

import { LRUCache } from 'lru-cache'
import type { Positions } from '../../../protocol/closure/positions.ts'
import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import type { StorePath } from '../../../protocol/nix/store-path.ts'
import type { NixStore } from '../../store/local/nix-store.ts'
import type { NarSource } from '../recipe/nar-source.ts'
import { normaliseRange } from '../recipe/normalise.ts'
import type { Place } from './chunk-index.ts'

/**
 * NARs kept open. Opening one asks the Nix daemon and may walk the path's files; a peer's requests go over many paths at
 * a time. A layout in memory is about 1 % of its NAR.
 */
const openNars = 32

/**
 * Read at a time where chunks are read one after the other, as by who serves a whole path: some eight chunks, since a read
 * costs more by itself than by its bytes. Each open NAR holds one such window at most.
 */
const windowBytes = 512 * 1024

type RangeSource = Pick<NarSource, 'size' | 'readRange'>

/** Normalised bytes of a NAR from `start` to before `end`. */
interface Window {
  readonly start: number
  readonly end: number
  readonly bytes: Promise<Uint8Array>
}

interface OpenNar {
  readonly nar: RangeSource
  readonly positions: Positions
  window: Window | undefined
  /** Where the chunk ends that was asked for last. */
  next: number
}

/** In place of an offset: no chunk begins there. */
const nothingAsked = -1

export interface ChunkReaderComponents {
  readonly store: { nar(path: string): Promise<RangeSource> } | Pick<NixStore, 'nar'>
  /** Where a path's references stand; nothing when its recipe isn't known. */
  readonly positionsOf: (path: StorePath) => Promise<Positions | undefined>
}

export class ChunkReader {
  readonly #components: ChunkReaderComponents
  readonly #open = new LRUCache<StorePath, Promise<OpenNar | undefined>>({ max: openNars })

  constructor(components: ChunkReaderComponents) {
    this.#components = components
  }

  /**
   * The normalised bytes at a place, verified against the chunk's hash; nothing when they are other bytes, or the path is
   * gone or has no known recipe. Throws a StoreError when the store itself can't be reached.
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

/** A chunk's normalised bytes: a view, where it is part of a window. */
async function rangeOf(open: OpenNar, offset: number, length: number): Promise<Uint8Array> {
  const end = offset + length
  const follows = open.next === offset
  open.next = end
  let { window } = open
  if (window === undefined || offset < window.start || end > window.end) {
    if (!follows) return readNormalised(open, offset, length)
    const size = Math.max(length, Math.min(windowBytes, open.nar.size - offset))
    window = { start: offset, end: offset + size, bytes: readNormalised(open, offset, size) }
    open.window = window
  }
  return (await window.bytes).subarray(offset - window.start, end - window.start)
}

async function readNormalised({ nar, positions }: OpenNar, offset: number, length: number): Promise<Uint8Array> {
  return normaliseRange(await nar.readRange(offset, length), offset, positions)
}

/** The path was collected, or isn't what the index or Nix's database says. */
function isGone(thrown: unknown): boolean {
  if (thrown instanceof RangeError) return true
  return thrown instanceof ThymeshError && goneCodes.has(thrown.code)
}

const goneCodes: ReadonlySet<string> = new Set(['path-unknown', 'path-invalid', 'nar-mismatch'])
