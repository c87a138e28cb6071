/** Exchanges documents by hash, roots by version and certificates by peer with other members. */

import { promisify } from 'node:util'
import { constants, zstdDecompress } from 'node:zlib'
import type { PeerId, Stream } from '@libp2p/interface'
import { pipe } from 'it-pipe'
import { LRUCache } from 'lru-cache'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { equalBytes, sha256, toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { largestDocument, limits } from '../../../protocol/limits.ts'
import {
  answerCodec,
  type DocumentRequest,
  documentRequestCodec,
  type ProtocolNames,
} from '../../../protocol/messages/messages.ts'
import { AbortRace } from '../../concurrency/abort-race.ts'
import { FairPlaces, type Place, type Subject } from '../../concurrency/fair-places.ts'
import { type Attempt, hedge } from '../../concurrency/hedge.ts'
import type { Logger } from '../../process/log.ts'
import type { Table } from '../../state/database.ts'
import type { EvidenceBook } from '../../state/evidence.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import {
  documentTurnMs,
  documentWaitMs,
  hedgedSources,
  hedgeMs,
  idleDocumentMs,
  lateSourceMs,
  scoredPeers,
  servedDocuments,
  servedDocumentsPerPeer,
  servedSmallDocuments,
  slowestBytesPerMs,
  smallDocumentBytes,
  streamsPerPeer,
} from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import type { PeerScore } from '../peers/peer-score.ts'
import { type Channel, ChannelError, withChannel } from '../transport/channel.ts'
import type { Host } from '../transport/host.ts'
import { openStream } from '../transport/open-stream.ts'
import { packNamed } from './named-documents.ts'
import { PackedDocuments } from './packed-documents.ts'

const unpack = promisify(zstdDecompress)
/** A frame may require a window of up to 2 GiB; the largest document needs 8 MiB. */
const unpackParams = { params: { [constants.ZSTD_d_windowLogMax]: 23 } }
/** Bytes sent at a time: one is progress, at 5 kB/s before its place counts as idle. */
const sliceBytes = 16 * 1024

export class DocumentError extends ThymeshError<
  'not-found' | 'wrong-hash' | 'wrong-base' | 'too-large' | 'no-peer' | 'busy'
> {}

/** A delta base: a document that the requester has, too. */
interface Base {
  readonly hash: Uint8Array
  readonly bytes: Uint8Array
}

export interface DocumentsComponents {
  host: Host
  names: ProtocolNames
  admission: Pick<Admission, 'gate' | 'members' | 'subjectOf'>
  /** Undefined before the peer knows its fleet's first root. */
  state: FleetState
  /** Also serves documents that contradict the trusted metadata, so that every peer can verify the evidence. */
  evidence: Pick<EvidenceBook, 'document'>
  members: Table
  peerScore?: Pick<PeerScore, 'allowRequest' | 'penalize'>
  log: Logger
}

export class Documents {
  readonly #components: DocumentsComponents
  readonly #places: { readonly small: FairPlaces; readonly bodies: FairPlaces }
  readonly #packed = new PackedDocuments()
  #stop = new AbortController()
  /** Peers that were late with an answer: they are asked last for a while. */
  readonly #late = new LRUCache<string, true>({ max: scoredPeers, ttl: lateSourceMs })

  constructor(components: DocumentsComponents) {
    this.#components = components
    const fair = { perPeer: servedDocumentsPerPeer, idleMs: idleDocumentMs, turnMs: documentTurnMs }
    this.#places = {
      small: new FairPlaces({ places: servedSmallDocuments, ...fair }),
      bodies: new FairPlaces({ places: servedDocuments, ...fair }),
    }
  }

  async start(): Promise<void> {
    this.#stop = new AbortController()
    const { host, names, admission } = this.#components
    for (const protocol of documentProtocols(names)) {
      admission.gate(protocol)
      await host.handle(protocol, (stream, { remotePeer }) => this.#serve(stream, remotePeer), {
        maxInboundStreams: streamsPerPeer,
      })
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    const { host, names } = this.#components
    await host.unhandle(documentProtocols(names))
  }

  /** Requests an item from one connected peer; undefined if it has none. `progress` is called as bytes arrive. */
  async ask(
    peer: PeerId,
    request: DocumentRequest,
    maxBytes: number,
    signal?: AbortSignal,
    progress?: (bytes: number) => void,
  ): Promise<Uint8Array | undefined> {
    const { host, names } = this.#components
    const bases = 'hash' in request ? request.bases : undefined
    const deltas = bases === undefined ? names.document : [names.documentDelta, names.document]
    const protocols = 'named' in request ? names.documentsOfHead : deltas
    const stream = await openStream(host, peer, protocols, signal)
    return await withChannel(stream, signal, async channel => {
      const plain = 'hash' in request && stream.protocol === names.document
      await channel.send(documentRequestCodec, plain ? { hash: request.hash } : request)
      const answer = await channel.receive(answerCodec)
      if ('error' in answer) {
        if (answer.error === 'not-found') return undefined
        throw new DocumentError('busy', `${peer} answered ${answer.error}`)
      }
      const size = Math.max(answer.size, answer.unpacked ?? 0)
      if (size > maxBytes) {
        throw new DocumentError('too-large', `expected a document of at most ${maxBytes} bytes, got ${size}`)
      }
      const { base, unpacked } = answer
      if (base !== undefined && !bases?.some(each => equalBytes(each, base))) {
        throw new DocumentError('wrong-base', `expected one of our bases, got ${toHex(base).slice(0, 12)}`)
      }
      const dictionary = base && (await this.#components.state.document(base))
      const body = await channel.bodyBytes(answer.size, progress)
      if (unpacked === undefined) return body
      return await unpack(body, { ...unpackParams, maxOutputLength: unpacked, ...(dictionary && { dictionary }) })
    })
  }

  /**
   * Fetches a document by hash from `first` or any other member; while one is late, the next is asked too. If local
   * documents are similar, `bases` names them, and the answer may be a delta. Throws a DocumentError if no member has
   * it.
   */
  async fetch(
    hash: Uint8Array,
    first?: PeerId,
    signal?: AbortSignal,
    maxBytes: number = largestDocument,
    bases: readonly Uint8Array[] = [],
  ): Promise<Uint8Array> {
    const { log } = this.#components
    const request = { hash, ...(bases.length > 0 && { bases: bases.slice(0, limits.bases) }) }
    const askOne = async (peer: PeerId, attempt: Attempt) => {
      try {
        const bytes = await this.ask(peer, request, maxBytes, attempt.signal, attempt.progress)
        if (bytes === undefined || equalBytes(sha256(bytes), hash)) return bytes
        log.warn({ peer: peer.toString(), document: toHex(hash) }, 'a peer sent a document with another hash')
      } catch (thrown) {
        log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'asking for a document failed')
      }
      return undefined
    }
    const { result, late } = await hedge(this.#sources(first), askOne, {
      silentMs: hedgeMs,
      slowestBytesPerMs,
      most: hedgedSources,
      signal,
    })
    for (const peer of late) this.#late.set(peer.toString(), true)
    if (result !== undefined) return result
    throw new DocumentError('no-peer', `no reachable member has the document ${toHex(hash).slice(0, 12)}`)
  }

  /** Whom to ask, in order: those that were late recently are the last. */
  #sources(first: PeerId | undefined): PeerId[] {
    const members = this.#components.admission.members.map(({ peer }) => peer)
    const others = members.filter(peer => first === undefined || !peer.equals(first))
    const all = first === undefined ? others : [first, ...others]
    const isLate = (peer: PeerId) => (this.#late.has(peer.toString()) ? 1 : 0)
    return all.toSorted((a, b) => isLate(a) - isLate(b))
  }

  async #serve(stream: Stream, peer: PeerId): Promise<void> {
    const key = peer.toString()
    try {
      await withChannel(stream, this.#stop.signal, channel => this.#answer(channel, peer))
    } catch (thrown) {
      const tooLarge = thrown instanceof ChannelError && thrown.code === 'too-large'
      if (tooLarge || thrown instanceof FormatError) this.#components.peerScore?.penalize(key, messageOf(thrown))
      this.#components.log.debug({ peer: key, reason: messageOf(thrown) }, 'serving a document failed')
    }
  }

  async #answer(channel: Channel, peer: PeerId): Promise<void> {
    const request = await channel.receive(documentRequestCodec)
    const { peerScore, admission } = this.#components
    const subject = admission.subjectOf(peer)
    const served =
      peerScore?.allowRequest(peer.toString(), 'document') !== false &&
      ((await this.#answerFrom('small', channel, request, subject)) ||
        (await this.#answerFrom('bodies', channel, request, subject)))
    if (!served) await channel.send(answerCodec, { error: 'busy' })
  }

  /** Answers in a place of this pool; false if it has none for this subject, or if the document isn't small. */
  async #answerFrom(
    pool: 'small' | 'bodies',
    channel: Channel,
    request: DocumentRequest,
    subject: Subject,
  ): Promise<boolean> {
    const place = await this.#placeIn(pool, channel, subject)
    if (place === undefined) return false
    try {
      const bytes = await place.during(this.#find(request))
      const isSmall = (bytes?.length ?? 0) <= smallDocumentBytes && !('bases' in request)
      if (pool === 'small' && !isSmall) return false
      if (bytes === undefined) await channel.send(answerCodec, { error: 'not-found' })
      else await this.#send(channel, bytes, request, subject, place)
      return true
    } finally {
      place.leave()
    }
  }

  /** Compressed if that is smaller. Of a closure descriptor only the hashes remain, and of a delta only the new ones. */
  async #send(
    channel: Channel,
    bytes: Uint8Array,
    request: DocumentRequest,
    subject: Subject,
    place: Place,
  ): Promise<void> {
    const base = await place.during(this.#baseOf(request))
    const body = await place.during(this.#packed.pack(bytes, base?.bytes, subject))
    const packing = { size: body.length, unpacked: bytes.length, ...(base && { base: base.hash }) }
    await channel.send(answerCodec, body === bytes ? { size: bytes.length } : packing)
    await pipe(
      slices(body, () => place.touch()),
      pieces => channel.sendBody(pieces),
    )
  }

  async #placeIn(pool: 'small' | 'bodies', channel: Channel, subject: Subject): Promise<Place | undefined> {
    const limit = AbortSignal.timeout(documentWaitMs)
    const race = new AbortRace(AbortSignal.any([this.#stop.signal, limit]))
    const takeBack = () => channel.abort(new DocumentError('busy', 'another peer waits for the place'))
    try {
      return await this.#places[pool].wait(subject, takeBack, race)
    } catch (thrown) {
      if (!limit.aborted) throw thrown
      return undefined
    } finally {
      race.end()
    }
  }

  /** The first of the requester's bases that is stored here. */
  async #baseOf(request: DocumentRequest): Promise<Base | undefined> {
    for (const hash of 'hash' in request ? (request.bases ?? []) : []) {
      const bytes = await this.#components.state.document(hash)
      if (bytes !== undefined) return { hash, bytes }
    }
    return undefined
  }

  async #find(request: DocumentRequest): Promise<Uint8Array | undefined> {
    const { state, members, evidence } = this.#components
    if ('hash' in request) return (await state.document(request.hash)) ?? evidence.document(request.hash)
    if ('root' in request) return state.root(request.root)
    if ('certificate' in request) return members.get(request.certificate)
    if ('named' in request) return await packNamed(state, request)
    return state.head?.timestamp
  }
}

function documentProtocols({ document, documentDelta, documentsOfHead }: ProtocolNames): string[] {
  return [document, documentDelta, documentsOfHead]
}

/** A further slice is taken when the one before was sent. */
function* slices(bytes: Uint8Array, onSent: () => void): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += sliceBytes) {
    onSent()
    yield bytes.subarray(at, at + sliceBytes)
  }
}
