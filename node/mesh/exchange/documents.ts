/** Exchanges documents by hash, roots by version and certificates by peer with other members. */

import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import type { PeerId, Stream } from '@libp2p/interface'
import { pipe } from 'it-pipe'
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
import type { Logger } from '../../process/log.ts'
import type { Table } from '../../state/database.ts'
import type { EvidenceBook } from '../../state/evidence.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import { servedDocuments, servedDocumentsPerPeer, streamsPerPeer } from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import type { PeerScore } from '../peers/peer-score.ts'
import { type Channel, ChannelError, withChannel } from '../transport/channel.ts'
import type { Host } from '../transport/host.ts'
import { openStream } from '../transport/open-stream.ts'

const pack = promisify(zstdCompress)
const unpack = promisify(zstdDecompress)
const packParams = { params: { [constants.ZSTD_c_compressionLevel]: 12 } }
/** A frame may require a window of up to 2 GiB; the largest document needs 8 MiB. */
const unpackParams = { params: { [constants.ZSTD_d_windowLogMax]: 23 } }
/**
 * With the size known in advance zstd allocates tables to match; otherwise about 30 MB for each concurrent
 * compression.
 */
const packed = (bytes: Uint8Array, dictionary?: Uint8Array) => {
  return pack(bytes, { ...packParams, pledgedSrcSize: bytes.length, ...(dictionary && { dictionary }) })
}
/** Below this size the zstd frame costs more than it saves. */
const packFromBytes = 512

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
  admission: Pick<Admission, 'gate' | 'members'>
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
  #serving = 0
  readonly #servingTo = new Map<string, number>()

  constructor(components: DocumentsComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    for (const protocol of [names.document, names.documentDelta]) {
      admission.gate(protocol)
      await host.handle(protocol, (stream, { remotePeer }) => this.#serve(stream, remotePeer), {
        maxInboundStreams: streamsPerPeer,
      })
    }
  }

  async stop(): Promise<void> {
    const { host, names } = this.#components
    await host.unhandle([names.document, names.documentDelta])
  }

  /** Requests an item from one connected peer; undefined if it has none. */
  async ask(
    peer: PeerId,
    request: DocumentRequest,
    maxBytes: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const { host, names } = this.#components
    const bases = 'hash' in request ? request.bases : undefined
    const protocols = bases === undefined ? names.document : [names.documentDelta, names.document]
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
      const body = await channel.bodyBytes(answer.size)
      if (unpacked === undefined) return body
      return await unpack(body, { ...unpackParams, maxOutputLength: unpacked, ...(dictionary && { dictionary }) })
    })
  }

  /**
   * Fetches a document by hash from `first` or any other member. If local documents are similar, `bases` names them,
   * and the answer may be a delta. Throws a DocumentError if no member has it.
   */
  async fetch(
    hash: Uint8Array,
    first?: PeerId,
    signal?: AbortSignal,
    maxBytes: number = largestDocument,
    bases: readonly Uint8Array[] = [],
  ): Promise<Uint8Array> {
    const { admission, log } = this.#components
    const others = admission.members.map(({ peer }) => peer).filter(peer => first === undefined || !peer.equals(first))
    for (const peer of first === undefined ? others : [first, ...others]) {
      try {
        const request = { hash, ...(bases.length > 0 && { bases: bases.slice(0, limits.bases) }) }
        const bytes = await this.ask(peer, request, maxBytes, signal)
        if (bytes === undefined) continue
        if (equalBytes(sha256(bytes), hash)) return bytes
        log.warn({ peer: peer.toString(), document: toHex(hash) }, 'a peer sent a document with another hash')
      } catch (thrown) {
        signal?.throwIfAborted()
        log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'asking for a document failed')
      }
    }
    throw new DocumentError('no-peer', `no reachable member has the document ${toHex(hash).slice(0, 12)}`)
  }

  async #serve(stream: Stream, peer: PeerId): Promise<void> {
    const key = peer.toString()
    try {
      await withChannel(stream, undefined, channel => this.#answer(channel, key))
    } catch (thrown) {
      const tooLarge = thrown instanceof ChannelError && thrown.code === 'too-large'
      if (tooLarge || thrown instanceof FormatError) this.#components.peerScore?.penalize(key, messageOf(thrown))
      this.#components.log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'serving a document failed')
    }
  }

  async #answer(channel: Channel, peer: string): Promise<void> {
    const request = await channel.receive(documentRequestCodec)
    const served = this.#servingTo.get(peer) ?? 0
    const full = this.#serving >= servedDocuments || served >= servedDocumentsPerPeer
    if (full || this.#components.peerScore?.allowRequest(peer, 'document') === false) {
      await channel.send(answerCodec, { error: 'busy' })
      return
    }
    this.#serving++
    this.#servingTo.set(peer, served + 1)
    try {
      const bytes = await this.#find(request)
      if (bytes === undefined) await channel.send(answerCodec, { error: 'not-found' })
      else await sendDocument(channel, bytes, await this.#baseOf(request))
    } finally {
      this.#serving--
      const left = (this.#servingTo.get(peer) ?? 1) - 1
      if (left === 0) this.#servingTo.delete(peer)
      else this.#servingTo.set(peer, left)
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
    return state.head?.timestamp
  }
}

/** Compressed if that is smaller. Of a closure descriptor only the hashes remain, and of a delta only the new ones. */
async function sendDocument(channel: Channel, bytes: Uint8Array, base: Base | undefined): Promise<void> {
  const body = bytes.length < packFromBytes ? bytes : await packed(bytes, base?.bytes)
  const smaller = body.length < bytes.length
  const packing = { size: body.length, unpacked: bytes.length, ...(base && { base: base.hash }) }
  await channel.send(answerCodec, smaller ? packing : { size: bytes.length })
  await pipe(slices(smaller ? body : bytes), pieces => channel.sendBody(pieces))
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  const size = 64 * 1024
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
