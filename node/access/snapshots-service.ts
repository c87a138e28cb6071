/** Gives a device's snapshots of its screens to controllers whose ticket may look at screens. */

import type { PeerId, Stream } from '@libp2p/interface'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import { type AccessRefusal, accessVerdictCodec } from '../../protocol/messages/access.ts'
import type { ProtocolNames } from '../../protocol/messages/messages.ts'
import { type SnapshotsHello, snapshotItemCodec, snapshotsHelloCodec } from '../../protocol/messages/snapshots.ts'
import type { Audited } from '../audit/log-keeper.ts'
import type { Admission } from '../mesh/peers/admission.ts'
import { Channel } from '../mesh/transport/channel.ts'
import type { Host } from '../mesh/transport/host.ts'
import type { Logger } from '../process/log.ts'
import type { ForwardService } from './forward-service.ts'
import { snapshotAnswersAtOnce, snapshotAnswersPerPeer } from './limits.ts'
import type { SnapshotBook } from './snapshot-book.ts'

export interface SnapshotsServiceComponents {
  readonly host: Host
  readonly names: Pick<ProtocolNames, 'snapshots'>
  readonly admission: Pick<Admission, 'gate' | 'member'>
  /** Gives the tickets, and knows what each may do. */
  readonly tickets: Pick<ForwardService, 'ticketOf' | 'rightsOf'>
  readonly book: SnapshotBook
  /** Writes refusals into the device's witnessed log. */
  readonly audited?: Audited | undefined
  readonly log: Logger
}

export class SnapshotsService {
  readonly #components: SnapshotsServiceComponents
  #serving = 0

  constructor(components: SnapshotsServiceComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    admission.gate(names.snapshots)
    await host.handle(names.snapshots, (stream, { remotePeer }) => this.#accept(stream, remotePeer), {
      maxInboundStreams: snapshotAnswersPerPeer,
    })
  }

  async stop(): Promise<void> {
    await this.#components.host.unhandle(this.#components.names.snapshots)
  }

  #accept(stream: Stream, peer: PeerId): void {
    // Read from the first tick on.
    const channel = new Channel(stream)
    this.#serve(channel, peer).catch(thrown => {
      channel.abort(thrown)
      this.#components.log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'no snapshots were given')
    })
  }

  async #serve(channel: Channel, peer: PeerId): Promise<void> {
    const { log, audited } = this.#components
    const hello = await channel.receive(snapshotsHelloCodec)
    const error = this.#refusal(peer, hello)
    if (error !== undefined) {
      const said = { peer: peer.toString(), error, right: 'snapshots' }
      log.warn(said, 'snapshots of screens were refused')
      void audited?.('screen-refused', said)
      await channel.send(accessVerdictCodec, { error })
    } else {
      this.#serving++
      await this.#give(channel, hello).finally(() => this.#serving--)
    }
    await channel.close()
  }

  #refusal(peer: PeerId, { ticket }: SnapshotsHello): AccessRefusal | undefined {
    const { admission, tickets } = this.#components
    if (admission.member(peer)?.certificate.role !== 'controller') return 'not-served'
    const held = tickets.ticketOf(peer, ticket)
    const may = held === undefined ? [] : tickets.rightsOf(held)
    if (!may.includes('screen') && !may.includes('screen:control')) return 'not-granted'
    return this.#serving >= snapshotAnswersAtOnce ? 'busy' : undefined
  }

  async #give(channel: Channel, { most, pictures }: SnapshotsHello): Promise<void> {
    const { book } = this.#components
    await channel.send(accessVerdictCodec, { ok: true })
    for (const kept of (await book.list()).slice(0, most)) {
      const png = await book.read(kept)
      if (png === undefined) continue
      const { screen, taken } = kept
      const about = { screen, ...(taken !== undefined && { taken }), sha256: sha256(png), bytes: png.length }
      await channel.send(snapshotItemCodec, { ...about, ...(pictures && { png }) })
    }
    await channel.send(snapshotItemCodec, { more: false })
  }
}
