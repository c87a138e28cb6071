/** An open bundle: its metadata, documents and chunks. All of it is untrusted, and all that has a hash is hashed. */

import { LRUCache } from 'lru-cache'
import { BundleError } from '../../protocol/bundle/bundle-error.ts'
import type { BundleFile, PackKind } from '../../protocol/bundle/bundle-files.ts'
import { type IndexEntry, indexEntryAt, indexEntryBytes } from '../../protocol/bundle/chunk-index.ts'
import { type DeltaEntry, deltaEntryAt, deltaEntryBytes } from '../../protocol/bundle/delta-index.ts'
import { type BundleManifest, decodeManifest } from '../../protocol/bundle/manifest.ts'
import { decodePackBody } from '../../protocol/bundle/pack.ts'
import { equalBytes, sha256, toHex } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import type { MetadataFetcher } from '../../protocol/trust/refresh.ts'
import { type FilePlace, layOutBundle } from './bundle-layout.ts'
import { type ByteSource, openByteSource } from './byte-source.ts'
import type { KeptPacks } from './kept-packs.ts'
import { cachedPacks, indexBlockEntries } from './limits.ts'
import { PackCache } from './pack-cache.ts'
import { unpacked } from './packing.ts'

/** Where a document lies. */
interface DocumentPlace {
  readonly pack: number
  readonly offset: number
  readonly length: number
}

export interface BundleInit {
  /** A directory for a scratch file of unpacked packs, if others are to be served. */
  readonly scratch?: string
  /** Where unpacked packs of earlier bundles are, and those of this one are left. */
  readonly kept?: KeptPacks
  readonly signal?: AbortSignal | undefined
}

export class Bundle {
  readonly manifest: BundleManifest
  readonly places: readonly FilePlace[]
  /** Bytes read from the medium. */
  readBytes = 0
  /** When a chunk was read last, in milliseconds; when it was opened at first. */
  usedAt = Date.now()
  readonly #source: ByteSource
  readonly #packs: Record<PackKind, readonly FilePlace[]>
  /** Packs of chunks. */
  readonly #cache: PackCache
  /** Ends the use of the cache. */
  readonly #leave: () => Promise<void>
  /** Packs of documents and certificates, which are read once and in order. */
  readonly #unpacked = new LRUCache<string, Promise<Uint8Array>>({ max: cachedPacks })
  #documents: Promise<Map<string, DocumentPlace>> | undefined

  private constructor(
    source: ByteSource,
    cache: PackCache,
    leave: () => Promise<void>,
    places: readonly FilePlace[],
    manifest: BundleManifest,
  ) {
    this.#source = source
    this.#cache = cache
    this.#leave = leave
    this.places = places
    this.manifest = manifest
    const of = (kind: PackKind) => places.filter(({ file }) => file.kind === kind)
    this.#packs = { members: of('members'), documents: of('documents'), deltas: of('deltas'), chunks: of('chunks') }
  }

  /** Opens a file or block device; see {@link Bundle.from}. */
  static async open(path: string, init: BundleInit = {}): Promise<Bundle> {
    return await Bundle.from(await openByteSource(path), init)
  }

  /** Takes over the source. Reads all headers; throws a BundleError if it isn't a complete bundle. */
  static async from(source: ByteSource, { scratch, kept, signal }: BundleInit = {}): Promise<Bundle> {
    try {
      const places = await layOutBundle(source, signal)
      const [first] = places
      if (first === undefined) throw new RangeError('unreachable')
      const manifest = decodeManifest(await contentOf(source, first))
      if (kept === undefined || scratch === undefined) {
        const cache = await PackCache.open(scratch)
        return new Bundle(source, cache, () => cache.close(), places, manifest)
      }
      const end = places.at(-1) ?? first
      const key = toHex(sha256(await contentOf(source, end)))
      const cache = await kept.take(key, scratch)
      return new Bundle(source, cache, () => kept.keep(key, cache), places, manifest)
    } catch (thrown) {
      await source.close()
      throw thrown
    }
  }

  async close(): Promise<void> {
    await this.#leave()
    await this.#source.close()
  }

  /** The content of a small file; undefined if there is none. */
  async file(wanted: BundleFile): Promise<Uint8Array | undefined> {
    const place = this.places.find(({ file }) => isSameFile(file, wanted))
    return place && (await this.#content(place))
  }

  /** The bundle as a source for the client workflow, which verifies all that it gets. */
  get metadata(): MetadataFetcher {
    const required = async (file: BundleFile) => {
      const bytes = await this.file(file)
      if (bytes === undefined) throw BundleError.malformed(`expected metadata in the bundle, ${file.kind} is missing`)
      return bytes
    }
    return {
      root: version => this.file({ kind: 'root', version }),
      timestamp: () => required({ kind: 'timestamp' }),
      snapshot: () => required({ kind: 'snapshot' }),
      targets: role => required(role === 'targets' ? { kind: 'targets' } : { kind: 'delegated', role }),
    }
  }

  /** A document by its SHA-256; undefined if the bundle has none with this hash. */
  async document(hash: Uint8Array): Promise<Uint8Array | undefined> {
    this.#documents ??= this.#findDocuments()
    const place = (await this.#documents).get(toHex(hash))
    if (place === undefined) return undefined
    const bytes = (await this.#pack('documents', place.pack)).subarray(place.offset, place.offset + place.length)
    return equalBytes(sha256(bytes), hash) ? Uint8Array.from(bytes) : undefined
  }

  /** Envelopes of certificates, unverified. */
  async *members(): AsyncGenerator<Uint8Array> {
    for (const number of this.#packs.members.keys()) {
      const body = await this.#pack('members', number)
      for (const { offset, length } of decodePackBody(body))
        yield Uint8Array.from(body.subarray(offset, offset + length))
    }
  }

  /** Where chunks lie, by their IDs, as far as the index says. Reads the index once, in order. */
  async find(ids: readonly Uint8Array[]): Promise<(IndexEntry | undefined)[]> {
    return await matching(ids, this.index(), entry => ({ ...entry, id: Uint8Array.from(entry.id) }))
  }

  /** The same for chunks that are there as deltas. Throws a BundleError if their index is malformed. */
  async findDeltas(ids: readonly Uint8Array[]): Promise<(DeltaEntry | undefined)[]> {
    return await matching(ids, this.#entries('delta-index', deltaEntryBytes, deltaEntryAt), entry => {
      const base = { ...entry.base, recipe: Uint8Array.from(entry.base.recipe) }
      return { ...entry, id: Uint8Array.from(entry.id), base }
    })
  }

  /** All entries of the index. */
  index(): AsyncGenerator<IndexEntry> {
    return this.#entries('index', indexEntryBytes, indexEntryAt)
  }

  /** The frame of a delta, unverified: whoever unpacks it hashes the chunk. */
  async frame({ pack, offset, packed }: DeltaEntry): Promise<Uint8Array> {
    const bytes = await this.#cache.part(`deltas ${pack}`, offset, packed, () => this.#unpack('deltas', pack))
    this.usedAt = Date.now()
    return bytes
  }

  async *#entries<Entry>(
    kind: 'index' | 'delta-index',
    entryBytes: number,
    entryAt: (block: Uint8Array, position: number) => Entry,
  ): AsyncGenerator<Entry> {
    const place = this.places.find(({ file }) => file.kind === kind)
    const end = place === undefined ? 0 : place.size
    const step = indexBlockEntries * entryBytes
    for (let at = 0; place !== undefined && at < end; at += step) {
      const block = await this.#read(place.offset + at, Math.min(step, end - at))
      for (let i = 0; i < block.length / entryBytes; i++) yield entryAt(block, i)
    }
  }

  /** A chunk's bytes, verified. Throws a BundleError or a file error if its pack can't be read or the hash differs. */
  async chunk({ id, pack, offset, length }: IndexEntry): Promise<Uint8Array> {
    if (length > limits.bundlePack) throw damaged(`expected a chunk that fits a pack, got one of ${length} bytes`)
    const bytes = await this.#cache.part(String(pack), offset, length, () => this.#unpack('chunks', pack))
    this.usedAt = Date.now()
    if (!equalBytes(sha256(bytes), id)) throw damaged(`expected the chunk ${toHex(id).slice(0, 12)}, got other bytes`)
    return bytes
  }

  async #findDocuments(): Promise<Map<string, DocumentPlace>> {
    const found = new Map<string, DocumentPlace>()
    for (const pack of this.#packs.documents.keys()) {
      const items = decodePackBody(await this.#pack('documents', pack))
      for (const { id, offset, length } of items) found.set(toHex(id), { pack, offset, length })
      if (found.size > limits.bundleDocuments) {
        throw BundleError.malformed(`expected at most ${limits.bundleDocuments} documents, got more`)
      }
    }
    return found
  }

  /** The body of a pack, which several readers share. */
  #pack(kind: PackKind, number: number): Promise<Uint8Array> {
    const key = `${kind} ${number}`
    const known = this.#unpacked.get(key)
    if (known !== undefined) return known
    const body = this.#unpack(kind, number)
    this.#unpacked.set(key, body)
    // A stick with a loose contact may answer the next time.
    body.catch(() => this.#unpacked.delete(key))
    return body
  }

  async #unpack(kind: PackKind, number: number): Promise<Uint8Array> {
    const place = this.#packs[kind][number]
    if (place === undefined) throw damaged(`expected a pack below ${this.#packs[kind].length}, got ${number}`)
    return await unpacked(await this.#content(place))
  }

  #content(place: FilePlace): Promise<Uint8Array> {
    this.readBytes += place.size
    return contentOf(this.#source, place)
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    this.readBytes += length
    return await wholeRead(this.#source, offset, length)
  }
}

/** The entries with these IDs, of a list that is sorted by them; an entry's bytes are a view, so `keep` copies it. */
async function matching<Entry extends { readonly id: Uint8Array }>(
  ids: readonly Uint8Array[],
  entries: AsyncIterable<Entry>,
  keep: (entry: Entry) => Entry,
): Promise<(Entry | undefined)[]> {
  const found = new Array<Entry | undefined>(ids.length).fill(undefined)
  const order = ids.map((_, i) => i).sort((a, b) => Buffer.compare(ids[a] as Uint8Array, ids[b] as Uint8Array))
  let next = 0
  for await (const entry of entries) {
    for (; next < order.length; next++) {
      const wanted = order[next] as number
      const compared = Buffer.compare(ids[wanted] as Uint8Array, entry.id)
      if (compared > 0) break
      if (compared === 0) found[wanted] = keep(entry)
    }
    if (next === order.length) break
  }
  return found
}

function contentOf(source: ByteSource, { offset, size }: FilePlace): Promise<Uint8Array> {
  return wholeRead(source, offset, size)
}

async function wholeRead(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = await source.read(offset, length)
  if (bytes.length === length) return bytes
  throw BundleError.truncated(`expected ${length} bytes at ${offset}, got ${bytes.length}`)
}

function isSameFile(one: BundleFile, other: BundleFile): boolean {
  if (one.kind !== other.kind) return false
  if (one.kind === 'root') return other.kind === 'root' && one.version === other.version
  return one.kind !== 'delegated' || (other.kind === 'delegated' && one.role === other.role)
}

function damaged(message: string): BundleError {
  return new BundleError('damaged', message, { hint: 'Copy the bundle again; the medium may be worn out.' })
}
