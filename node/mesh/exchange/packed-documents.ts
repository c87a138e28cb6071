/** Documents as they are sent: compressed once for all who ask, within the budget of the subject that asks first. */

import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import { sha256Hex } from '../../../protocol/encoding/hash.ts'
import type { Subject } from '../../concurrency/fair-places.ts'
import { forgottenAfter } from '../../concurrency/forgotten-after.ts'
import { SubjectBudgets } from '../../concurrency/subject-budgets.ts'
import { packBudgets, packedCacheBytes, packedIdleMs, scoredPeers } from '../limits.ts'

const pack = promisify(zstdCompress)
const packParams = { params: { [constants.ZSTD_c_compressionLevel]: 12 } }
/** Of an entry, whatever is in it. */
const entryBytes = 512
/** Below this size the zstd frame costs more than it saves. */
const packFromBytes = 512

export class PackedDocuments {
  readonly #packed = new LRUCache<string, Uint8Array>({
    maxSize: packedCacheBytes,
    maxEntrySize: packedCacheBytes / 2,
    // With its key, and what each entry costs by itself.
    sizeCalculation: bytes => bytes.length + entryBytes,
    ...forgottenAfter(packedIdleMs),
  })
  readonly #packing = new Map<string, Promise<Uint8Array>>()
  readonly #budgets = new SubjectBudgets({ ...packBudgets, subjects: scoredPeers })

  /**
   * A document in zstd, with a base as the dictionary if one is given. The document itself if that isn't smaller, or if
   * the subject has spent its budget of processor time.
   */
  async pack(bytes: Uint8Array, base: Uint8Array | undefined, subject: Subject): Promise<Uint8Array> {
    if (bytes.length < packFromBytes) return bytes
    const key = `${sha256Hex(bytes)} ${base === undefined ? '' : sha256Hex(base)}`
    const known = this.#packed.get(key) ?? this.#packing.get(key)
    if (known === undefined && !this.#budgets.has(subject)) return bytes
    const packed = await (known ?? this.#make(key, bytes, base, subject))
    return packed.length > 0 ? packed : bytes
  }

  #make(key: string, bytes: Uint8Array, base: Uint8Array | undefined, subject: Subject): Promise<Uint8Array> {
    this.#budgets.spend(subject, bytes.length + (base?.length ?? 0))
    const packing = this.#compress(bytes, base)
      .then(packed => {
        this.#packed.set(key, packed)
        return packed
      })
      .finally(() => this.#packing.delete(key))
    this.#packing.set(key, packing)
    return packing
  }

  /** Empty if it isn't smaller. */
  async #compress(bytes: Uint8Array, dictionary: Uint8Array | undefined): Promise<Uint8Array> {
    // With the size known in advance zstd allocates tables to match; otherwise about 30 MB for each.
    const params = { ...packParams, pledgedSrcSize: bytes.length, ...(dictionary && { dictionary }) }
    const packed = await pack(bytes, params)
    // A copy: it is kept, and would keep the whole buffer that zstd wrote it into.
    return packed.length < bytes.length ? new Uint8Array(packed) : new Uint8Array()
  }
}
