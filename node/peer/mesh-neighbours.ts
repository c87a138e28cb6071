/** The neighbours of a controller's peer: connected members, ways to others, and requests to them. */

import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import type { SilenceRequest } from '../../protocol/messages/alerts.ts'
import type { LogRequest } from '../../protocol/messages/logs.ts'
import { decodeHistory, type HistoryRequest, type MetricsHistory } from '../../protocol/messages/metrics.ts'
import { openForward, openScreen, openSnapshots, openSsh } from '../access/open-access.ts'
import { tellSilence } from '../alerts/alerts-service.ts'
import { pause } from '../concurrency/pause.ts'
import { askForLog } from '../logs/log-service.ts'
import { relayAfterMs } from '../mesh/limits.ts'
import type { Member } from '../mesh/peers/newest-certificate.ts'
import type { NetChecks, PeersView, WayView } from '../mesh/relay/network-view.ts'
import { listeningProblem } from '../mesh/transport/listening.ts'
import { askForMetrics } from '../metrics/metrics-service.ts'
import type { Settings } from '../settings/settings.ts'
import type { Neighbour, Neighbours } from './controller-peer.ts'
import type { MeshPeer } from './mesh-peer.ts'
import { checkNetwork, lookAtPeers, wayTo } from './network.ts'

interface Events {
  admitted: [Neighbour]
  left: []
  synced: [string]
}

/** A device that is looked for gets at least this long to answer a dial. */
const dialMs = 1_000
const lookAgainMs = 50

export class MeshNeighbours extends EventEmitter<Events> implements Neighbours {
  readonly #peer: MeshPeer
  readonly #settings: Pick<Settings, 'listen' | 'mdns'>
  /** When each connected member was last synced with, by `Date.now()`. */
  readonly #synced = new Map<string, number>()

  constructor(peer: MeshPeer, settings: Pick<Settings, 'listen' | 'mdns'>) {
    super()
    this.#peer = peer
    this.#settings = settings
    peer.admission.on('admitted', member => this.emit('admitted', neighbourOf(member)))
    peer.admission.on('left', () => {
      const connected = new Set(peer.admission.members.map(each => each.peer.toString()))
      for (const each of this.#synced.keys()) if (!connected.has(each)) this.#synced.delete(each)
      this.emit('left')
    })
    peer.sync.on('synced', member => {
      this.#synced.set(member.toString(), Date.now())
      this.emit('synced', member.toString())
    })
  }

  get members(): Neighbour[] {
    return this.#peer.admission.members.map(neighbourOf)
  }

  get refusals(): ReadonlySet<string> {
    return this.#peer.admission.refusals
  }

  get areConnecting(): boolean {
    const { host } = this.#peer
    return host.getConnections().length > 0 || host.getDialQueue().length > 0
  }

  get syncedAt(): number | undefined {
    return this.#synced.size === 0 ? undefined : Math.max(...this.#synced.values())
  }

  addressesOf(peer: string): readonly string[] {
    return this.#peer.addresses.addresses(peer)
  }

  get listeningProblem(): string | undefined {
    return listeningProblem(this.#settings.listen, this.#peer.host.getMultiaddrs().map(String))
  }

  wayTo(peer: string): WayView | undefined {
    return this.#peer.admission.member(peer) && wayTo(this.#peer, peer)
  }

  look(): Promise<PeersView> {
    return lookAtPeers(this.#peer)
  }

  check(): Promise<NetChecks> {
    return checkNetwork(this.#peer, this.#settings)
  }

  async reach(peer: string, waitMs: number, left?: AbortSignal): Promise<boolean> {
    const { admission, host } = this.#peer
    const id = peerIdFromString(peer)
    const deadline = Date.now() + waitMs
    const isHere = () => admission.member(id) !== undefined
    const addresses = this.addressesOf(peer).map(text => multiaddr(`${text}/p2p/${peer}`))
    const limit = AbortSignal.timeout(Math.max(dialMs, waitMs))
    const signal = left === undefined ? limit : AbortSignal.any([limit, left])
    if (!isHere() && addresses.length > 0) {
      // A device behind a NAT answers nowhere: hubs are asked meanwhile.
      const dialled = host.dial(addresses, { signal }).catch(() => {})
      await pause(dialled, Math.min(relayAfterMs, waitMs))
    }
    if (!isHere()) await this.#peer.relays.dial(peer, signal)
    while (!isHere() && Date.now() < deadline && left?.aborted !== true) await sleep(lookAgainMs)
    return isHere()
  }

  async sync(peer?: string): Promise<number> {
    const members = this.#peer.admission.members.filter(each => peer === undefined || each.certificate.peer === peer)
    await Promise.all(members.map(member => this.#peer.sync.syncWith(member.peer)))
    return members.length
  }

  async exchangeProposals(peer: string): Promise<boolean> {
    return await this.#peer.proposals.exchangeWith(peerIdFromString(peer))
  }

  async hasOurHead(peer: string): Promise<boolean> {
    const { documents, state } = this.#peer
    try {
      const theirs = await documents.ask(peerIdFromString(peer), { head: true }, limits.timestamp)
      const ours = state.head?.timestamp
      return theirs !== undefined && ours !== undefined && equalBytes(theirs, ours)
    } catch {
      return false
    }
  }

  async openSsh(peer: string, user: string, signal?: AbortSignal): Promise<Duplex> {
    return await openSsh(this.#peer, peerIdFromString(peer), user, signal)
  }

  async openScreen(peer: string, signal?: AbortSignal): Promise<Duplex> {
    return await openScreen(this.#peer, peerIdFromString(peer), signal)
  }

  async openSnapshots(peer: string, signal?: AbortSignal): Promise<Duplex> {
    return await openSnapshots(this.#peer, peerIdFromString(peer), signal)
  }

  async openForward(peer: string, signal?: AbortSignal): Promise<Duplex> {
    return await openForward(this.#peer, peerIdFromString(peer), signal)
  }

  async askForLog(peer: string, request: LogRequest, signal?: AbortSignal): Promise<Uint8Array> {
    return await askForLog(this.#peer, peerIdFromString(peer), request, signal)
  }

  async askForMetrics(peer: string, history: HistoryRequest, signal?: AbortSignal): Promise<MetricsHistory> {
    return decodeHistory(await askForMetrics(this.#peer, peerIdFromString(peer), { history }, signal))
  }

  async silence(peer: string, silence: SilenceRequest, signal?: AbortSignal): Promise<void> {
    await tellSilence(this.#peer, peerIdFromString(peer), silence, signal)
  }

  async scrape(peer: string, port: number, signal?: AbortSignal): Promise<Uint8Array> {
    return await askForMetrics(this.#peer, peerIdFromString(peer), { scrape: { port } }, signal)
  }
}

function neighbourOf({ peer, certificate }: Member): Neighbour {
  return { peer: peer.toString(), certificate }
}
