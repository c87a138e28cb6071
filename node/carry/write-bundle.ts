/** Writes bundles out of this peer's trusted metadata, documents and store. */

import { type BundleFile, bundleFileName } from '../../protocol/bundle/bundle-files.ts'
import { encodeIndex, type IndexEntry } from '../../protocol/bundle/chunk-index.ts'
import { encodeDeltaIndex } from '../../protocol/bundle/delta-index.ts'
import { type BundleManifest, decodeManifest, encodeManifest } from '../../protocol/bundle/manifest.ts'
import { decodePackBody, encodePackBody, type PackItem, packBodyBytes } from '../../protocol/bundle/pack.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { equalBytes, fromHex, sha256, toHex } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { namedRelease, namedRevocations } from '../../protocol/trust/fleet.ts'
import { namedSiteRelease, sitesOf } from '../../protocol/trust/sites.ts'
import { BundleWriter, type ByteSink } from '../bundle/bundle-writer.ts'
import { packed, unpacked } from '../bundle/packing.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { AcceptedState, FleetState } from '../state/fleet-state.ts'
import type { Closures } from '../swarm/chunks/closures.ts'
import type { Bases } from '../swarm/delta/bases.ts'
import { type BundlePlan, packsOf } from './bundle-plan.ts'
import { BundleWriteError } from './bundle-write-error.ts'
import { finishedPacks, packBytes } from './limits.ts'
import { PackBodies, type PackBodyComponents } from './pack-bodies.ts'
import { idOf, lengthOf, type PlannedChunk } from './planned-chunk.ts'
import { writeDeltas } from './write-deltas.ts'

export interface WriteComponents extends PackBodyComponents {
  readonly state: FleetState
  readonly directory: Pick<Directory, 'members' | 'certificate'>
  readonly closures: Closures
  /** Reads the bases of deltas. */
  readonly bases: Pick<Bases, 'read'>
}

/** A sink that may hold files of an interrupted run. */
export interface BundleSink extends ByteSink {
  earlier?(name: string, maxBytes: number): Promise<Uint8Array | undefined>
}

export interface VolumeInit {
  /** The volume's number, from 1. */
  readonly number: number
  readonly site?: string | undefined
  readonly now: Date
  readonly onProgress?: (chunkBytes: number) => void
  readonly signal?: AbortSignal
}

const readme = `This is a bundle of Thymesh: signed software updates for devices of one fleet.
It can be read by those devices only. Nothing in it can be started or opened by hand.
If you found this medium, please return it to its owner. It holds no secret in readable form.
`

/** Writes one volume; resolves to the number of its bytes. */
export async function writeVolume(
  components: WriteComponents,
  accepted: AcceptedState,
  plan: BundlePlan,
  sink: BundleSink,
  init: VolumeInit,
): Promise<number> {
  const writer = new BundleWriter(sink)
  await writer.add({ kind: 'manifest' }, await manifestOf(accepted, plan, sink, init))
  await writer.add({ kind: 'readme' }, Buffer.from(readme))
  await writeTrust(components.state, accepted, writer)
  await writeMembers(components.directory, writer)
  await writeDocuments(components.state, accepted, plan, writer)
  await writeChunks(components, plan, { writer, sink }, init)
  await writer.end()
  return writer.written
}

/** An interrupted run's time is kept, so that all bytes stay the same. */
async function manifestOf(accepted: AcceptedState, plan: BundlePlan, sink: BundleSink, init: VolumeInit) {
  const volume = plan.volumes[init.number - 1]
  if (volume === undefined) throw new RangeError(`expected one of ${plan.volumes.length} volumes, got ${init.number}`)
  const sites = [...accepted.sites].map(([site, { version }]) => [site, version] as const)
  const manifest: BundleManifest = {
    v: 1,
    fleet: accepted.release.fleet,
    created: timeText(init.now),
    release: accepted.release.version,
    ...(sites.length > 0 && { sites: Object.fromEntries(sites) }),
    configs: [...plan.configs],
    ...(init.site !== undefined && { site: init.site }),
    ...(plan.without.length > 0 && { without: [...plan.without] }),
    volume: init.number,
    volumes: plan.volumes.length,
    chunks: volume.chunks,
    bytes: volume.bytes,
  }
  const earlier = await sink.earlier?.(bundleFileName({ kind: 'manifest' }), limits.bundleText)
  const created = earlier && createdIn(earlier)
  const same = created === undefined ? manifest : { ...manifest, created }
  return encodeManifest(same)
}

function createdIn(manifest: Uint8Array): string | undefined {
  try {
    return decodeManifest(manifest).created
  } catch {
    return undefined
  }
}

async function writeTrust(state: FleetState, { trusted }: AcceptedState, writer: BundleWriter): Promise<void> {
  for (let version = 1; version <= trusted.root.signed.version; version++) {
    const bytes = await state.root(version)
    if (bytes === undefined) throw missing(`root version ${version}`)
    await writer.add({ kind: 'root', version }, bytes)
  }
  for (const kind of ['timestamp', 'snapshot', 'targets'] as const) {
    const role = trusted[kind]
    if (role === undefined) throw missing(`${kind} metadata`)
    await writer.add({ kind }, role.bytes)
  }
  for (const role of Object.keys(trusted.delegated).sort()) {
    const bytes = trusted.delegated[role]?.bytes
    if (bytes !== undefined) await writer.add({ kind: 'delegated', role }, bytes)
  }
}

async function writeMembers(directory: WriteComponents['directory'], writer: BundleWriter): Promise<void> {
  const envelopes = directory
    .members()
    .map(({ peer }) => peer)
    .sort()
    .flatMap(peer => directory.certificate(peer)?.envelope ?? [])
  await writePacks('members', envelopes, writer)
}

async function writeDocuments(
  state: FleetState,
  { trusted }: AcceptedState,
  plan: BundlePlan,
  writer: BundleWriter,
): Promise<void> {
  const sites = [...sitesOf(trusted.targets).keys()].map(site => namedSiteRelease(trusted, site))
  const named = [namedRelease(trusted), namedRevocations(trusted), ...sites].flatMap(each => each?.hash ?? [])
  const documents: Uint8Array[] = []
  for (const hash of new Set([...named.map(toHex), ...plan.documents])) {
    const bytes = await state.document(fromHex(hash))
    if (bytes === undefined) throw missing(`the document ${hash.slice(0, 12)}`)
    documents.push(bytes)
  }
  await writePacks('documents', documents, writer)
}

async function writePacks(kind: 'members' | 'documents', contents: readonly Uint8Array[], writer: BundleWriter) {
  const packs: PackItem[][] = [[]]
  let bytes = 0
  for (const content of contents) {
    const last = packs.at(-1) ?? []
    if (last.length > 0 && packBodyBytes(last.length + 1, bytes + content.length) > packBytes) {
      packs.push([])
      bytes = 0
    }
    packs.at(-1)?.push({ id: sha256(content), bytes: content })
    bytes += content.length
  }
  for (const [number, items] of packs.entries()) {
    if (items.length > 0) await writer.add({ kind, number }, await packed(encodePackBody(items)))
  }
}

/** Threads make packs while those before are written, in their order. */
async function writeChunks(
  components: WriteComponents,
  plan: BundlePlan,
  { writer, sink }: { writer: BundleWriter; sink: BundleSink },
  { number: volume, onProgress = () => {}, signal }: VolumeInit,
): Promise<void> {
  const index: IndexEntry[] = []
  let done = 0
  const pending: { number: number; chunks: readonly PlannedChunk[]; bytes: Promise<Uint8Array> }[] = []
  const planned = plan.volumes[volume - 1]?.packs ?? []
  const bodies = new PackBodies(components)
  bodies.start()
  const read = (chunk: PlannedChunk) => bodies.chunk(chunk)
  const onDelta = (bytes: number) => {
    done += bytes
    onProgress(done)
  }
  // The index of chunks, which bases are read by, has a closure's paths once it was opened.
  if (planned.flat().some(chunk => plan.baseOf(chunk) !== undefined)) {
    for (const closure of plan.held) await components.swarms.open(closure)
  }
  const deltas = await writeDeltas({ read, bases: components.bases, writer }, planned.flat(), plan.baseOf, {
    onDelta,
    signal,
  })
  const packs = deltas.entries.length === 0 ? planned : packsOf(deltas.rest)
  const writeNext = async () => {
    const next = pending.shift()
    if (next === undefined) return
    signal?.throwIfAborted()
    await writer.add({ kind: 'chunks', number: next.number }, await next.bytes)
    done += next.chunks.reduce((sum, chunk) => sum + lengthOf(chunk), 0)
    onProgress(done)
  }
  try {
    let resumes = deltas.entries.length === 0
    for (const [number, chunks] of packs.entries()) {
      addToIndex(index, number, chunks)
      const earlier: Uint8Array | undefined = resumes
        ? await earlierPack(sink, { kind: 'chunks', number }, chunks)
        : undefined
      resumes = earlier !== undefined
      if (earlier !== undefined) {
        pending.push({ number, chunks, bytes: Promise.resolve(earlier) })
        await writeNext()
        continue
      }
      const bytes = bodies.packed(chunks)
      bytes.catch(() => {})
      pending.push({ number, chunks, bytes })
      while (pending.length > bodies.atOnce + finishedPacks) await writeNext()
    }
    while (pending.length > 0) await writeNext()
  } finally {
    await bodies.stop()
    await Promise.allSettled(pending.map(({ bytes }) => bytes))
  }
  if (deltas.entries.length > 0) await writer.add({ kind: 'delta-index' }, encodeDeltaIndex(deltas.entries))
  await writer.add({ kind: 'index' }, encodeIndex(index))
}

function addToIndex(index: IndexEntry[], pack: number, chunks: readonly PlannedChunk[]): void {
  let offset = packBodyBytes(chunks.length, 0)
  for (const chunk of chunks) {
    const length = lengthOf(chunk)
    index.push({ id: idOf(chunk), pack, offset, length })
    offset += length
  }
}

/** The packed bytes of an earlier run, if they hold exactly these chunks. */
async function earlierPack(
  sink: BundleSink,
  file: BundleFile,
  chunks: readonly PlannedChunk[],
): Promise<Uint8Array | undefined> {
  const bytes = await sink.earlier?.(bundleFileName(file), limits.bundlePackedPack)
  if (bytes === undefined) return undefined
  try {
    const body = await unpacked(bytes)
    const items = decodePackBody(body)
    const fits = items.every(({ id, offset, length }, i) => {
      const chunk = chunks[i]
      if (chunk === undefined || !equalBytes(id, idOf(chunk))) return false
      return equalBytes(sha256(body.subarray(offset, offset + length)), id)
    })
    return fits && items.length === chunks.length ? Uint8Array.from(bytes) : undefined
  } catch {
    return undefined
  }
}

function missing(what: string): BundleWriteError {
  return new BundleWriteError('document-missing', `expected ${what} in this machine's state, it is not here`, {
    hint: 'Write the bundle on the machine that deployed the release.',
  })
}
