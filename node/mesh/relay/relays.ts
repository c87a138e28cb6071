/** All about hubs that one peer does: it stays connected to them, reaches others through them, and may be one itself. */

import type { Connection } from '@libp2p/interface'
import type { ProtocolNames } from '../../../protocol/messages/messages.ts'
import type { Logger } from '../../process/log.ts'
import type { AddressBook } from '../peers/address-book.ts'
import type { Admission } from '../peers/admission.ts'
import type { Host, Transports } from '../transport/host.ts'
import { HubKeeper } from './hub-keeper.ts'
import type { HubList } from './hub-list.ts'
import { MappedPort } from './mapped-port.ts'
import { lookAtOwnEnds, type OwnEnds } from './meeting.ts'
import { Puncher } from './puncher.ts'
import { Reach } from './reach.ts'
import { Relay } from './relay.ts'
import { RelayedPeers } from './relayed-peers.ts'
import { SilentConnections } from './silent-connections.ts'

export interface RelaysComponents {
  host: Host
  names: ProtocolNames
  admission: Admission
  addresses: Pick<AddressBook, 'addresses'>
  transports: Transports
  hubs: HubList
  log: Logger
  /** Called when a peer's connection has been replaced by a direct one: streams that stay open have to be opened anew. */
  onMoved: () => void
}

export class Relays {
  readonly keeper: HubKeeper
  readonly relay: Relay
  readonly reach: Reach
  readonly puncher: Puncher
  readonly port: MappedPort
  readonly #peers: RelayedPeers
  readonly #silent: SilentConnections
  readonly #components: RelaysComponents

  constructor(
    components: RelaysComponents,
    init: {
      bytesPerSecond?: number | undefined
      hubPingMs?: number
      /** Whether the router is asked for a port; `seed` is the peer's secret. */
      portMapping: boolean
      seed: Uint8Array
    },
  ) {
    this.#components = components
    const { bytesPerSecond, hubPingMs, portMapping, seed } = init
    const { host, names, admission, addresses, transports, hubs, log } = components
    const { ownPort, relayed, mapped } = transports
    const named = (hub: string) => hubs.addresses(hub)
    const all = () => hubs.peers
    this.reach = new Reach({ host, names, admission, ownPort, log })
    const { reach } = this
    const keeping = { host, admission, addresses, ownPort, reach, hubs: all, named, log }
    this.keeper = new HubKeeper({ ...keeping, ...(hubPingMs && { pingMs: hubPingMs }) })
    const serves = () => hubs.has(host.peerId.toString())
    this.relay = new Relay({ host, names, admission, serves, bytesPerSecond, log })
    const { keeper } = this
    this.#peers = new RelayedPeers({ host, names, admission, transport: relayed, keeper, hubs: all, log })
    const seenAt = (connection: Connection) => relayed.seenAt(connection)
    this.puncher = new Puncher({ host, names, admission, keeper, reach, ownPort, seenAt, log })
    this.puncher.on('moved', () => components.onMoved())
    this.port = new MappedPort({ host, admission, keeper, reach, mapped, log }, { isOn: portMapping, seed })
    this.#silent = new SilentConnections({ host, admission, reach, log })
    this.keeper.on('dead', () => {
      this.puncher.retry()
      this.port.retry()
      this.#silent.askAll()
    })
  }

  /** Call it before the host listens, so that no early stream is refused. */
  async start(): Promise<void> {
    await this.relay.start()
    await this.reach.start()
    await this.#peers.start()
    await this.puncher.start()
    this.#silent.start()
    this.keeper.start()
    this.port.start()
  }

  async stop(): Promise<void> {
    await this.port.stop()
    this.keeper.stop()
    this.#silent.stop()
    await this.puncher.stop()
    await this.#peers.stop()
    await this.reach.stop()
    await this.relay.stop()
  }

  /** Connects to a member through a hub; undefined if none leads there. Never rejects. */
  dial(peer: string, signal: AbortSignal): Promise<Connection | undefined> {
    return this.#peers.dial(peer, signal)
  }

  /** Where hubs see this peer, and what kind of NAT that shows. */
  lookAtOwnEnds(): Promise<OwnEnds> {
    const { keeper, reach } = this
    return lookAtOwnEnds({ keeper, reach, ownPort: this.#components.transports.ownPort })
  }
}
