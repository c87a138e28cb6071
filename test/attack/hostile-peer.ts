/** A peer that speaks the real protocols over real connections, and says whatever an attack makes it say. */

import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { type Channel, withChannel } from '../../node/mesh/transport/channel.ts'
import { FrameStream } from '../../node/swarm/session/frame-stream.ts'
import { equalBytes, sha256 } from '../../protocol/encoding/hash.ts'
import {
  type Answer,
  answerCodec,
  type DocumentRequest,
  digestCodec,
  documentRequestCodec,
  type Hello,
  type ProtocolNames,
  protocolNames,
  type SyncDigest,
  type SyncItem,
  syncItemCodec,
  type Verdict,
} from '../../protocol/messages/messages.ts'
import type { Signer } from '../../protocol/signing/keys.ts'
import { type Proposal, proposalCodec, proposalCountCodec, proposalDigestCodec } from '../../protocol/trust/proposal.ts'
import { dial } from '../helpers/dial.ts'
import { type TestFleet, testSigner } from '../helpers/fleet.ts'
import type { Mesh, TestPeer } from '../helpers/mesh.ts'
import { answerHello, helloOf, rawHost, sayHello } from '../helpers/raw-host.ts'
import { until } from '../helpers/until.ts'

/** The documents that a hostile peer sends on request. */
export interface Offer {
  /** The timestamp that it calls the newest. */
  readonly head?: Uint8Array
  /** Roots from version 1 on. */
  readonly roots?: readonly Uint8Array[]
  /** Documents that it sends by hash. */
  readonly documents?: readonly Uint8Array[]
  readonly certificates?: Readonly<Record<string, Uint8Array>>
  /** Replaces an answer, or stalls for ever with `'stall'`. */
  readonly twist?: (request: DocumentRequest, bytes: Uint8Array | undefined) => Twisted
}

/** An answer: honest bytes, none, a lie about the header, or silence. */
export type Twisted = Uint8Array | undefined | 'stall' | { answer: Answer; body: Iterable<Uint8Array> }

/** The parts of a fleet that it needs. */
export type FleetOf = Pick<TestFleet, 'fleet' | 'certify'>

/** Peers that it can dial. */
export interface Dialled {
  readonly host: Pick<TestPeer['host'], 'getMultiaddrs'>
}

export class HostilePeer {
  readonly host: Libp2p
  readonly fleet: FleetOf
  readonly signer: Signer
  readonly names: ProtocolNames
  /** Its envelope: a valid certificate, or anything. */
  certificate: Uint8Array
  /** The requests that it has received. */
  readonly asked: DocumentRequest[] = []

  private constructor(host: Libp2p, fleet: FleetOf, signer: Signer, certificate: Uint8Array) {
    this.host = host
    this.fleet = fleet
    this.signer = signer
    this.names = protocolNames(fleet.fleet)
    this.certificate = certificate
  }

  /** One with the key of a word; with a certificate of the fleet for it, if no other is given. */
  static async of(mesh: Mesh, word: string, fleet: FleetOf, certificate?: Uint8Array): Promise<HostilePeer> {
    const signer = testSigner(word)
    const host = await rawHost(mesh, word)
    return new HostilePeer(host, fleet, signer, certificate ?? fleet.certify(signer, { name: word }))
  }

  /** Some that joined with one token. */
  static async crowd(mesh: Mesh, count: number, fleet: TestFleet): Promise<HostilePeer[]> {
    const token = fleet.token()
    const words = Array.from({ length: count }, (_, at) => `crowd-${at}`)
    return await Promise.all(
      words.map(word => HostilePeer.of(mesh, word, fleet, fleet.join(token, testSigner(word), { name: word }))),
    )
  }

  get id(): string {
    return this.host.peerId.toString()
  }

  dial(victim: Dialled): Promise<Connection> {
    return dial(this.host, victim.host.getMultiaddrs())
  }

  /** Connects and says hello. */
  async greet(victim: Dialled, more: Partial<Hello> = {}): Promise<{ connection: Connection; verdict: Verdict }> {
    const hello = helloOf(this.fleet, this.certificate, more)
    await answerHello(this.host, this.fleet, hello).catch(() => {})
    const connection = await this.dial(victim)
    return { connection, verdict: await sayHello(connection, this.fleet, hello) }
  }

  /** Connects, says hello and waits until the victim has admitted it. */
  async join(victim: TestPeer, more: Partial<Hello> = {}): Promise<Connection> {
    const { connection, verdict } = await this.greet(victim, more)
    if (!verdict.admitted) throw new Error(`the victim refused ${this.id}: ${verdict.reason}`)
    await until(() => victim.admission.member(this.host.peerId) !== undefined, 'the victim to admit the hostile peer')
    return connection
  }

  /** A new stream to the victim. */
  async open(connection: Connection, protocol: string): Promise<Stream> {
    return await connection.newStream(protocol, { maxOutboundStreams: 100_000 })
  }

  /** Hands out documents. */
  async serve(offer: Offer): Promise<void> {
    await this.host.handle(
      this.names.document,
      stream => withChannel(stream, undefined, channel => this.#answer(channel, offer)).catch(() => {}),
      { maxInboundStreams: 1000 },
    )
  }

  /** Asks the victim for a document. */
  async ask(connection: Connection, request: DocumentRequest): Promise<Answer> {
    return (await this.fetch(connection, request)).answer
  }

  /** The same, with the body as it was sent. */
  async fetch(connection: Connection, request: DocumentRequest): Promise<{ answer: Answer; body: Uint8Array }> {
    const stream = await this.open(connection, this.names.document)
    return await withChannel(stream, undefined, async channel => {
      await channel.send(documentRequestCodec, request)
      const answer = await channel.receive(answerCodec)
      return { answer, body: 'size' in answer ? await channel.bodyBytes(answer.size) : new Uint8Array() }
    })
  }

  /** Synchronises: says that it holds this, sends these items, and resolves to what the victim sent, once it has judged ours. */
  async sync(
    connection: Connection,
    digest: Partial<SyncDigest>,
    items: Iterable<SyncItem> | AsyncIterable<SyncItem>,
  ): Promise<SyncItem[]> {
    const stream = await this.open(connection, this.names.plainSync)
    return await withChannel(stream, undefined, async channel => {
      await channel.send(digestCodec, { members: [], ...digest })
      await channel.receive(digestCodec)
      const received: SyncItem[] = []
      const sending = (async () => {
        for await (const item of items) await channel.send(syncItemCodec, item)
        await channel.send(syncItemCodec, { end: true })
      })()
      for (
        let item = await channel.receive(syncItemCodec);
        !('end' in item);
        item = await channel.receive(syncItemCodec)
      ) {
        received.push(item)
      }
      await sending
      // Its own end says nothing of our items: it ends the stream once it has read all of them.
      await channel.rest().catch(() => {})
      return received
    })
  }

  /** Exchanges proposals: says that it holds none, sends these, and resolves to what the victim sent. */
  async propose(connection: Connection, proposals: readonly Proposal[]): Promise<Proposal[]> {
    const stream = await this.open(connection, this.names.proposals)
    return await withChannel(stream, undefined, async channel => {
      await channel.send(proposalDigestCodec, { held: [] })
      await channel.receive(proposalDigestCodec)
      const sending = (async () => {
        await channel.send(proposalCountCodec, { count: proposals.length })
        for (const proposal of proposals) await channel.send(proposalCodec, proposal)
      })()
      const received: Proposal[] = []
      const { count } = await channel.receive(proposalCountCodec)
      while (received.length < count) received.push(await channel.receive(proposalCodec))
      await sending
      return received
    })
  }

  /** A swarm stream for a closure. */
  async swarm(connection: Connection, closure: Uint8Array): Promise<FrameStream> {
    const frames = new FrameStream(await this.open(connection, this.names.swarm))
    await frames.write({ type: 'open', closure })
    return frames
  }

  async #answer(
    channel: Channel,
    { head, roots = [], documents = [], certificates = {}, twist }: Offer,
  ): Promise<void> {
    const request = await channel.receive(documentRequestCodec)
    this.asked.push(request)
    const honest =
      'hash' in request
        ? documents.find(bytes => equalBytes(sha256(bytes), request.hash))
        : 'root' in request
          ? roots[request.root - 1]
          : 'certificate' in request
            ? certificates[request.certificate]
            : head
    const twisted = twist === undefined ? honest : twist(request, honest)
    if (twisted === 'stall') {
      await new Promise(resolve => channel.stream.addEventListener('close', resolve))
    } else if (twisted === undefined || twisted instanceof Uint8Array) {
      await channel.send(answerCodec, twisted ? { size: twisted.length } : { error: 'not-found' })
      if (twisted) await channel.sendBody([twisted])
    } else {
      await channel.send(answerCodec, twisted.answer)
      await channel.sendBody(twisted.body)
    }
  }
}
