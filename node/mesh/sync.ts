/** Sync: what gossip could not reach. On every new connection both sides say what they hold and send what the other lacks. */

import { EventEmitter } from 'node:events'
import type { PeerId, Stream } from '@libp2p/interface'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { digestCodec, type Head, type ProtocolNames, type SyncDigest, syncItemCodec } from '../../protocol/messages.ts'
import { resyncIntervalMs, syncTimeoutMs } from '../defaults.ts'
import type { Logger } from '../log.ts'
import type { FleetState } from '../state/fleet-state.ts'
import type { AddressBook } from './address-book.ts'
import type { Admission } from './admission.ts'
import { type Channel, converse } from './channel.ts'
import type { Directory } from './directory.ts'
import type { Gossip } from './gossip.ts'
import type { Host } from './host.ts'
import { openStream } from './open-stream.ts'
import type { Refresher } from './refresher.ts'

export interface SyncComponents {
  host: Host
  names: ProtocolNames
  admission: Admission
  state: FleetState
  directory: Directory
  addresses: AddressBook
  refresher: Refresher
  gossip: Gossip
  log: Logger
}

interface Events {
  /** Both sides have what either held. */
  synced: [PeerId]
}

export class Sync extends EventEmitter<Events> {
  readonly #components: SyncComponents
  readonly #stop = new AbortController()
  readonly #running = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(components: SyncComponents) {
    super()
    this.#components = components
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    admission.gate(names.sync)
    await host.handle(names.sync, (stream, connection) => this.#answer(stream, connection.remotePeer), {
      maxInboundStreams: 2,
    })
    // One side is enough, and the lower ID's, so that both don't.
    admission.on('admitted', ({ peer }) => {
      if (host.peerId.toString() < peer.toString()) void this.with(peer)
    })
    this.#timer = setInterval(() => {
      const { members } = admission
      const member = members[Math.floor(Math.random() * members.length)]
      if (member !== undefined) void this.with(member.peer)
    }, resyncIntervalMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort(new Error('the peer stops'))
    await this.#components.host.unhandle(this.#components.names.sync)
  }

  /** Exchanges with one member what either lacks; at once if it is under way already. Never rejects. */
  async with(peer: PeerId): Promise<void> {
    const { host, names } = this.#components
    const key = peer.toString()
    if (this.#running.has(key)) return
    this.#running.add(key)
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(syncTimeoutMs)])
      await this.#exchange(await openStream(host, peer, names.sync, signal), peer, signal)
    } catch (thrown) {
      this.#failed(peer, thrown)
    } finally {
      this.#running.delete(key)
    }
  }

  async #answer(stream: Stream, peer: PeerId): Promise<void> {
    try {
      await this.#exchange(stream, peer, AbortSignal.any([this.#stop.signal, AbortSignal.timeout(syncTimeoutMs)]))
    } catch (thrown) {
      this.#failed(peer, thrown)
    }
  }

  #failed(peer: PeerId, thrown: unknown): void {
    this.#components.log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'sync failed')
  }

  async #exchange(stream: Stream, peer: PeerId, signal: AbortSignal): Promise<void> {
    const head = await converse(stream, signal, async channel => {
      await channel.send(digestCodec, this.#digest())
      const theirs = await channel.receive(digestCodec)
      await Promise.all([this.#send(channel, theirs), this.#receive(channel, peer)])
      return theirs.head
    })
    if (head !== undefined && this.#isNews(head)) await this.#components.refresher.from(peer)
    if (!signal.aborted) this.emit('synced', peer)
  }

  #isNews(head: Head): boolean {
    try {
      return this.#components.refresher.judge(head) !== 'known'
    } catch {
      // Older than ours, or not signed as our root asks: nothing to fetch.
      return false
    }
  }

  #digest(): SyncDigest {
    const { directory, state } = this.#components
    const members = directory.certificates().map(({ peer, issued }) => ({
      peer,
      issued,
      report: directory.report(peer)?.document.counter ?? 0,
    }))
    return { ...(state.head && { head: state.head }), members }
  }

  async #send(channel: Channel, theirs: SyncDigest): Promise<void> {
    const { directory, admission, addresses } = this.#components
    const held = new Map(theirs.members.map(member => [member.peer, member]))
    for (const { peer, issued } of directory.certificates()) {
      const known = held.get(peer)
      const certificate = directory.certificate(peer)?.envelope
      if (certificate !== undefined && (known === undefined || known.issued < issued)) {
        await channel.send(syncItemCodec, { certificate, peer })
      }
      const report = directory.report(peer)
      if (report !== undefined && report.document.counter > (known?.report ?? 0)) {
        await channel.send(syncItemCodec, { report: report.envelope })
      }
    }
    for (const { peer } of admission.members.slice(0, 32)) {
      const known = addresses.addresses(peer.toString())
      if (known.length > 0) await channel.send(syncItemCodec, { addresses: [...known], peer: peer.toString() })
    }
    await channel.send(syncItemCodec, { end: true })
  }

  async #receive(channel: Channel, from: PeerId): Promise<void> {
    const { directory, addresses, gossip, log, host } = this.#components
    for (let items = 0; items < 3 * limits.members; items++) {
      const item = await channel.receive(syncItemCodec)
      if ('end' in item) return
      try {
        if ('certificate' in item) await directory.addCertificate(item.peer, item.certificate)
        else if ('report' in item) {
          // News that a visitor brings is news to our neighbours too.
          if ((await directory.addReport(item.report)) === 'new') gossip.publishReport(item.report)
        } else if (item.peer !== host.peerId.toString() && directory.certificate(item.peer) !== undefined) {
          // What is known to have worked stays in front of what a neighbour says.
          if (addresses.addresses(item.peer).length === 0) await addresses.heard(item.peer, item.addresses)
        }
      } catch (thrown) {
        log.debug({ peer: from.toString(), reason: messageOf(thrown) }, 'an item of sync was not taken')
      }
    }
  }
}
