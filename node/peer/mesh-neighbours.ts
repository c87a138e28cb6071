/** The neighbours of a controller's peer: connected members, ways to others, and requests to them. */

import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import type { LogRequest } from '../../protocol/messages/logs.ts'
import { askForLog } from '../logs/log-service.ts'
import type { Member } from '../mesh/peers/newest-certificate.ts'
import { listeningProblem } from '../mesh/transport/listening.ts'
import type { Neighbour, Neighbours } from './controller-peer.ts'
import type { MeshPeer } from './mesh-peer.ts'

interface Events {
  admitted: [Neighbour]
  synced: [string]
}

/** A device that is looked for gets at least this long to answer a dial. */
const dialMs = 1_000
const lookAgainMs = 50

export class MeshNeighbours extends EventEmitter<Events> implements Neighbours {
  readonly #peer: MeshPeer
  readonly #listen: readonly string[]

  constructor(peer: MeshPeer, { listen }: { listen: readonly string[] }) {
    super()
    this.#peer = peer
    this.#listen = listen
    peer.admission.on('admitted', member => this.emit('admitted', neighbourOf(member)))
    peer.sync.on('synced', member => this.emit('synced', member.toString()))
  }

  get members(): Neighbour[] {
    return this.#peer.admission.members.map(neighbourOf)
  }

  addressesOf(peer: string): readonly string[] {
    return this.#peer.addresses.addresses(peer)
  }

  get listeningProblem(): string | undefined {
    return listeningProblem(this.#listen, this.#peer.host.getMultiaddrs().map(String))
  }

  async reach(peer: string, waitMs: number): Promise<boolean> {
    const { admission, host } = this.#peer
    const id = peerIdFromString(peer)
    const deadline = Date.now() + waitMs
    const isHere = () => admission.member(id) !== undefined
    const addresses = this.addressesOf(peer).map(text => multiaddr(`${text}/p2p/${peer}`))
    if (!isHere() && addresses.length > 0) {
      await host.dial(addresses, { signal: AbortSignal.timeout(Math.max(dialMs, waitMs)) }).catch(() => {})
    }
    while (!isHere() && Date.now() < deadline) await sleep(lookAgainMs)
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

  async askForLog(peer: string, request: LogRequest, signal?: AbortSignal): Promise<Uint8Array> {
    return await askForLog(this.#peer, peerIdFromString(peer), request, signal)
  }
}

function neighbourOf({ peer, certificate }: Member): Neighbour {
  return { peer: peer.toString(), certificate }
}
