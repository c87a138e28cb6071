/** Bundles in memory: a sink, a source, and a small bundle of the tests' fleet. */

import type { ByteSink } from '../../node/bundle/bundle-writer.ts'
import { BundleWriter } from '../../node/bundle/bundle-writer.ts'
import type { ByteSource } from '../../node/bundle/byte-source.ts'
import { packed } from '../../node/bundle/packing.ts'
import type { BundleFile } from '../../protocol/bundle/bundle-files.ts'
import { encodeIndex, type IndexEntry } from '../../protocol/bundle/chunk-index.ts'
import { type BundleManifest, encodeManifest } from '../../protocol/bundle/manifest.ts'
import { encodePackBody, packBodyBytes } from '../../protocol/bundle/pack.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { testFleet } from './fleet.ts'

export class MemorySink implements ByteSink {
  readonly #parts: Uint8Array[] = []

  async write(bytes: Uint8Array): Promise<void> {
    this.#parts.push(Uint8Array.from(bytes))
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

export class MemorySource implements ByteSource {
  bytes: Uint8Array
  closed = false
  /** Offsets and lengths of all reads. */
  readonly reads: [number, number][] = []

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.reads.push([offset, length])
    return Uint8Array.from(this.bytes.subarray(offset, offset + length))
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

/** The files of a bundle, with some of them replaced or added; `undefined` leaves one out. */
export interface SmallBundle {
  readonly chunks: readonly Uint8Array[]
  readonly documents: readonly Uint8Array[]
  readonly files: [BundleFile, Uint8Array][]
}

/** A bundle of the tests' fleet with two packs of chunks. */
export async function smallBundle(): Promise<SmallBundle> {
  const { fleet, published } = testFleet()
  const { root, timestamp, snapshot, targets, delegated } = published.trusted
  const chunks = ['one', 'two', 'three'].map(text => Buffer.from(text.repeat(1000)))
  const documents = [...published.documents, Buffer.from('a document')]
  const packs = [chunks.slice(0, 2), chunks.slice(2)]
  const index: IndexEntry[] = []
  for (const [pack, items] of packs.entries()) {
    let offset = packBodyBytes(items.length, 0)
    for (const { length } of items) {
      index.push({ id: sha256(chunks[index.length] as Uint8Array), pack, offset, length })
      offset += length
    }
  }
  const body = (items: readonly Uint8Array[]) =>
    packed(encodePackBody(items.map(bytes => ({ id: sha256(bytes), bytes }))))
  const manifest: BundleManifest = {
    v: 1,
    fleet,
    created: '2026-01-02T03:04:05Z',
    release: 1,
    configs: ['kiosk'],
    volume: 1,
    volumes: 1,
    chunks: chunks.length,
    bytes: chunks.reduce((sum, { length }) => sum + length, 0),
  }
  const role = (loaded: { bytes: Uint8Array } | undefined) => loaded?.bytes ?? new Uint8Array()
  return {
    chunks,
    documents,
    files: [
      [{ kind: 'manifest' }, encodeManifest(manifest)],
      [{ kind: 'readme' }, Buffer.from('read me\n')],
      [{ kind: 'root', version: 1 }, root.bytes],
      [{ kind: 'timestamp' }, role(timestamp)],
      [{ kind: 'snapshot' }, role(snapshot)],
      [{ kind: 'targets' }, role(targets)],
      [{ kind: 'delegated', role: 'members' }, role(delegated.members)],
      [{ kind: 'documents', number: 0 }, await body(documents)],
      [{ kind: 'chunks', number: 0 }, await body(packs[0] ?? [])],
      [{ kind: 'chunks', number: 1 }, await body(packs[1] ?? [])],
      [{ kind: 'index' }, encodeIndex(index)],
    ],
  }
}

/** The archive of these files, with its end. */
export async function archiveOf(files: readonly [BundleFile, Uint8Array][]): Promise<Buffer> {
  const sink = new MemorySink()
  const writer = new BundleWriter(sink)
  for (const [file, content] of files) await writer.add(file, content)
  await writer.end()
  return sink.bytes
}
