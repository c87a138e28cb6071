/** The libp2p host of a peer: transports, services, and the settings that js-libp2p needs in a long-lived daemon. */

import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { type GossipSub, gossipsub, StrictNoSign } from '@libp2p/gossipsub'
import { createTopicScoreParams, type TopicScoreParams } from '@libp2p/gossipsub/score'
import { type Identify, identify, identifyPush } from '@libp2p/identify'
import { type ComponentLogger, FaultTolerance, type Libp2p, type PeerId } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { type Ping, ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { gossipTopics, type ProtocolNames } from '../../../protocol/messages/messages.ts'
import { signerOf } from '../../../protocol/signing/keys.ts'
import type { Settings } from '../../settings/settings.ts'
import { mdns } from '../discovery/mdns.ts'
import { dialTimeoutMs, discoveredPeers, keepAliveMs, roundTripMs, silentConnectionMs } from '../limits.ts'
import { boundDht } from './dht-limits.ts'
import { boundDiscoveredPeers } from './discovered-peers.ts'
import { noiseWithCorkedWrites, yamuxWithFewerWindowUpdates } from './libp2p-patches.ts'
import { liveness } from './liveness.ts'
import { MappedAddress } from './mapped-address.ts'
import { OwnPort } from './own-port.ts'
import { RelayedTransport } from './relayed-transport.ts'

export type Services = {
  identify: Identify
  identifyPush: unknown
  liveness: unknown
  ping: Ping
  /** Adds the outbound streams by peer ID, which the type leaves out. */
  pubsub: GossipSub & { readonly streamsOutbound: ReadonlyMap<string, unknown> }
  dht?: KadDHT
}
export type Host = Libp2p<Services>

export interface HostInit {
  seed: Uint8Array
  names: ProtocolNames
  settings: Pick<Settings, 'listen' | 'mdns' | 'dht'>
  agent: string
  logger: ComponentLogger
  maxConnections: number
  /** By default a peer's that knows no hubs. */
  transports?: Transports
  /** Peers whose connections are rejected now. */
  denies?: (peer: string) => boolean
  /** The application score of a peer for gossipsub: 0 or less. */
  score?: (peer: string) => number
  /** Whether a request of this peer to the DHT is answered now; asked once for each. */
  answersDht?: (peer: PeerId) => boolean
  /** Called each time a peer is found on the local network; libp2p's own event is emitted only once. */
  discovered?: (peer: string, addresses: readonly Multiaddr[]) => void
}

/** The ways to other peers, by TCP and through hubs, and theirs to this one through a router. */
export interface Transports {
  readonly ownPort: OwnPort
  readonly relayed: RelayedTransport
  readonly mapped: MappedAddress
}

const MiB = 1 << 20
const dayMs = 86_400_000

/** libp2p's default of two minutes would require pings by the muxer. */
const silence = {
  inboundSocketInactivityTimeout: silentConnectionMs,
  outboundSocketInactivityTimeout: silentConnectionMs,
}

/** The transports of one peer, which `isHub` tells whether another one is a hub now. */
export function makeTransports(
  names: ProtocolNames,
  isHub: (peer: string) => boolean,
  probedAfterMs = keepAliveMs,
): Transports {
  // The kernel detects a cut cable in a minute; libp2p's own probe costs ten times as much.
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: probedAfterMs }
  const ownPort = new OwnPort({ dialOpts: keepAlive, listenOpts: keepAlive, ...silence }, isHub)
  return { ownPort, relayed: new RelayedTransport(names), mapped: new MappedAddress() }
}

/** Creates a host without starting it. It serves nobody by itself: libp2p's services wait for admission. */
export async function makeHost(init: HostInit): Promise<Host> {
  const { names, settings } = init
  const protocolPrefix = names.prefix
  const { ownPort, relayed, mapped } = init.transports ?? makeTransports(names, () => false)
  const host = await createLibp2p({
    start: false,
    // libp2p would compute the public key in JavaScript, with point tables that stay in memory.
    privateKey: privateKeyFromRaw(Buffer.concat([init.seed, signerOf(init.seed).publicKey])),
    nodeInfo: { name: 'thymesh', version: '1', userAgent: init.agent },
    logger: init.logger,
    addresses: { listen: settings.listen, announceFilter: mapped.ordered },
    transports: [ownPort.factory, relayed.factory],
    // A missing IPv6 or an occupied port must not keep a device from dialling.
    transportManager: { faultTolerance: FaultTolerance.NO_FATAL },
    connectionEncrypters: [noiseWithCorkedWrites()],
    // A paused reader that holds more than its read buffer is reset, so the window must not exceed it. Yamux's pings
    // only measure the round-trip time: unacknowledged bytes would keep the kernel from probing.
    streamMuxers: [
      yamuxWithFewerWindowUpdates({
        keepAliveInterval: roundTripMs,
        streamOptions: { maxStreamWindowSize: 4 * MiB, maxReadBufferLength: 4 * MiB },
      }),
    ],
    connectionManager: {
      maxConnections: init.maxConnections,
      // Whole sites share one address (NAT): the default of 5 a second admitted 5 of 20 devices.
      inboundConnectionThreshold: 100,
      maxIncomingPendingConnections: 100,
      dialTimeout: dialTimeoutMs,
      // Keeps the order of the address book, which knows the addresses that have worked.
      addressSorter: () => 0,
      // The dial supervisor redials: libp2p gives up for good after five attempts.
      reconnectRetries: 0,
    },
    connectionGater: {
      // The first point at which Noise has proved the peer ID.
      denyInboundEncryptedConnection: peer => init.denies?.(peer.toString()) ?? false,
      denyOutboundEncryptedConnection: (peer, { remoteAddr }) => ownPort.endsProbe(remoteAddr, peer.toString()),
    },
    // The service `liveness` asks instead. Older peers still open a stream for it, and take a refusal for an answer.
    connectionMonitor: { enabled: false },
    peerStore: { maxAddressAge: 30 * dayMs, maxPeerAge: 60 * dayMs },
    peerDiscovery: settings.mdns
      ? [mdns({ service: mdnsService(names), ...(init.discovered && { found: init.discovered }) })]
      : [],
    services: {
      // Only runs after admission: gossip and the DHT start with it.
      identify: identify({ protocolPrefix, runOnConnectionOpen: false }),
      identifyPush: identifyPush({ protocolPrefix }),
      liveness: liveness(),
      ping: ping({ protocolPrefix, maxInboundStreams: 8, maxOutboundStreams: 8 }),
      pubsub: gossipsub({
        // Messages are signed inside. With its hash as ID, publishing a message again is harmless.
        globalSignaturePolicy: StrictNoSign,
        msgIdFn: message => sha256(Buffer.from(message.topic), message.data).subarray(0, 20),
        ignoreDuplicatePublishError: true,
        allowPublishToZeroTopicPeers: true,
        fallbackToFloodsub: false,
        allowedTopics: gossipTopics(names),
        // One RPC may carry all messages that a neighbour missed: hundreds of reports during a fleet update.
        maxInboundDataLength: 4 * MiB,
        maxOutboundBufferSize: 8 * MiB,
        scoreParams: {
          // A site behind one address isn't an attack.
          IPColocationFactorWeight: 0,
          appSpecificScore: peer => init.score?.(peer) ?? 0,
          appSpecificWeight: 1,
          topics: Object.fromEntries(gossipTopics(names).map(topic => [topic, quietTopic])),
        },
      }),
      ...(settings.dht !== 'off' && {
        dht: kadDHT({
          protocol: `/${protocolPrefix}/kad/1`,
          clientMode: settings.dht === 'client',
          peerInfoMapper: passthroughMapper,
        }),
      }),
    },
  })
  copyMiddleware(host)
  mapped.belongTo(host)
  boundDht((host as unknown as Host).services.dht, init.answersDht ?? (() => true))
  boundDiscoveredPeers(host, discoveredPeers)
  return host as unknown as Host
}

/** Peers that send little aren't penalised; those that send invalid messages are. */
const quietTopic: TopicScoreParams = createTopicScoreParams({
  topicWeight: 1,
  timeInMeshQuantum: 1000,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -50,
  invalidMessageDeliveriesDecay: 0.9,
})

/** The protocols of libp2p's services on this host that wait for admission. */
export function serviceProtocols(names: ProtocolNames): string[] {
  const own = ['id/1.0.0', 'id/push/1.0.0', 'ping/1.0.0', 'kad/1'].map(name => `/${names.prefix}/${name}`)
  return [...own, '/meshsub/1.0.0', '/meshsub/1.1.0', '/meshsub/1.2.0']
}

/** A service name for each fleet: DNS labels hold 63 characters. */
export function mdnsService(names: ProtocolNames): string {
  return `_${names.prefix.replace('/', '-')}._udp.local`
}

/**
 * libp2p 3.3 appends the handler to the array that a protocol's middleware was registered with, so each further
 * stream would be handled once more than the last. This patch returns copies of the array.
 */
function copyMiddleware(host: Libp2p): void {
  const { registrar } = (host as unknown as { components: { registrar: Registrar } }).components
  const original = registrar.getMiddleware.bind(registrar)
  registrar.getMiddleware = protocol => [...original(protocol)]
}

interface Registrar {
  getMiddleware(protocol: string): unknown[]
}
