/** The libp2p host of a peer: transports, services and the settings that js-libp2p needs in a long-lived daemon. */

import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { type GossipSub, gossipsub, StrictNoSign } from '@libp2p/gossipsub'
import { createTopicScoreParams, type TopicScoreParams } from '@libp2p/gossipsub/score'
import { type Identify, identify, identifyPush } from '@libp2p/identify'
import { type ComponentLogger, FaultTolerance, type Libp2p } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import type { ProtocolNames } from '../../../protocol/messages/messages.ts'
import { signerOf } from '../../../protocol/signing/keys.ts'
import type { Settings } from '../../settings/settings.ts'
import { mdns } from '../discovery/mdns.ts'
import { dialTimeoutMs, keepAliveMs, monitorIntervalMs, roundTripMs, silentConnectionMs } from '../limits.ts'
import { noiseWithCorkedWrites, yamuxWithFewerWindowUpdates } from './libp2p-patches.ts'

export type Services = {
  identify: Identify
  identifyPush: unknown
  ping: Ping
  /** With the streams that it sends on, by peer ID, which its type leaves out. */
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
  /** Peers whose connections aren't taken now. */
  denies?: (peer: string) => boolean
  /** How a peer behaves elsewhere, for gossip's score: 0 or less. */
  score?: (peer: string) => number
  /** Told of each peer that is heard on the local network, also again: libp2p's own event comes once. */
  discovered?: (peer: string, addresses: readonly Multiaddr[]) => void
}

const MiB = 1 << 20
const dayMs = 86_400_000

/** A cut cable is noticed within half a minute: by the kernel, since libp2p's own probe costs ten times as much. */
const keepAlive = { keepAlive: true, keepAliveInitialDelay: keepAliveMs }
/** libp2p's own limit is two minutes, for which muxers would have to ping. */
const silence = {
  inboundSocketInactivityTimeout: silentConnectionMs,
  outboundSocketInactivityTimeout: silentConnectionMs,
}

/** A host, not started yet. It answers nobody by itself: what libp2p's services do waits for admission. */
export async function makeHost(init: HostInit): Promise<Host> {
  const { names, settings } = init
  const protocolPrefix = names.prefix
  const host = await createLibp2p({
    start: false,
    // libp2p would work out the public half in JavaScript, with tables of points that stay in memory.
    privateKey: privateKeyFromRaw(Buffer.concat([init.seed, signerOf(init.seed).publicKey])),
    nodeInfo: { name: 'thymesh', version: '1', userAgent: init.agent },
    logger: init.logger,
    addresses: { listen: settings.listen },
    transports: [tcp({ dialOpts: keepAlive, listenOpts: keepAlive, ...silence })],
    // A missing IPv6 or a port that is taken must not stop a device from dialling out.
    transportManager: { faultTolerance: FaultTolerance.NO_FATAL },
    connectionEncrypters: [noiseWithCorkedWrites()],
    // A paused reader that holds more than its read buffer is reset, so the window stays at or below it.
    // Its pings are for the round-trip time alone: bytes that are not acknowledged would keep the kernel from probing.
    streamMuxers: [
      yamuxWithFewerWindowUpdates({
        keepAliveInterval: roundTripMs,
        streamOptions: { maxStreamWindowSize: 4 * MiB, maxReadBufferLength: 4 * MiB },
      }),
    ],
    connectionManager: {
      maxConnections: 300,
      // Whole sites come from one address (NAT): the default of 5 a second let 5 of 20 devices in.
      inboundConnectionThreshold: 100,
      maxIncomingPendingConnections: 100,
      dialTimeout: dialTimeoutMs,
      // In the order of the address book, which knows what has worked.
      addressSorter: () => 0,
      // Redialling is the dial supervisor's: libp2p's own gives up for ever after five tries.
      reconnectRetries: 0,
    },
    connectionGater: {
      // The first moment at which noise has proved the ID.
      denyInboundEncryptedConnection: peer => init.denies?.(peer.toString()) ?? false,
    },
    // A prefix of its own: sharing /ping with the ping service loses connections under load. 20 s, not 5: a busy event
    // loop on a slow board is no dead peer.
    connectionMonitor: {
      protocolPrefix: `${protocolPrefix}/monitor`,
      pingInterval: monitorIntervalMs,
      pingTimeout: { minTimeout: 20_000 },
    },
    peerStore: { maxAddressAge: 30 * dayMs, maxPeerAge: 60 * dayMs },
    peerDiscovery: settings.mdns
      ? [mdns({ service: mdnsService(names), ...(init.discovered && { found: init.discovered }) })]
      : [],
    services: {
      // Runs after admission only: gossip and the DHT begin with it.
      identify: identify({ protocolPrefix, runOnConnectionOpen: false }),
      identifyPush: identifyPush({ protocolPrefix }),
      ping: ping({ protocolPrefix, maxInboundStreams: 8, maxOutboundStreams: 8 }),
      pubsub: gossipsub({
        // What is sent is signed inside; its hash as its ID makes publishing it again harmless.
        globalSignaturePolicy: StrictNoSign,
        msgIdFn: message => sha256(Buffer.from(message.topic), message.data).subarray(0, 20),
        ignoreDuplicatePublishError: true,
        allowPublishToZeroTopicPeers: true,
        fallbackToFloodsub: false,
        allowedTopics: [names.heads, names.reports, names.members],
        // One RPC answers for all messages that a neighbour missed: hundreds of reports when a whole fleet updates.
        maxInboundDataLength: 4 * MiB,
        maxOutboundBufferSize: 8 * MiB,
        scoreParams: {
          // A site behind one address is no attack.
          IPColocationFactorWeight: 0,
          appSpecificScore: peer => init.score?.(peer) ?? 0,
          appSpecificWeight: 1,
          topics: Object.fromEntries([names.heads, names.reports, names.members].map(topic => [topic, quietTopic])),
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
  keepNoRecords(host as unknown as Host)
  return host as unknown as Host
}

/** Peers that send little are no bad peers; those that send what fails validation are. */
const quietTopic: TopicScoreParams = createTopicScoreParams({
  topicWeight: 1,
  timeInMeshQuantum: 1000,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -50,
  invalidMessageDeliveriesDecay: 0.9,
})

/** What libp2p's services of this host answer to: everything but the connection monitor's ping, which says nothing. */
export function serviceProtocols(names: ProtocolNames): string[] {
  const own = ['id/1.0.0', 'id/push/1.0.0', 'ping/1.0.0', 'kad/1'].map(name => `/${names.prefix}/${name}`)
  return [...own, '/meshsub/1.0.0', '/meshsub/1.1.0', '/meshsub/1.2.0']
}

/** A service name per fleet: DNS labels hold 63 characters. */
export function mdnsService(names: ProtocolNames): string {
  return `_${names.prefix.replace('/', '-')}._udp.local`
}

/**
 * libp2p 3.3 appends the handler to the very array that a protocol's middleware was registered with, so each further stream
 * would be handled once more than the last. Handing out copies mends it.
 */
function copyMiddleware(host: Libp2p): void {
  const { registrar } = (host as unknown as { components: { registrar: Registrar } }).components
  const original = registrar.getMiddleware.bind(registrar)
  registrar.getMiddleware = protocol => [...original(protocol)]
}

/**
 * The DHT finds peers and nothing else here. Its provider records and values would be kept in memory for days, as many as any
 * member sends.
 */
function keepNoRecords({ services }: Host): void {
  const { handlers } = (services.dht as unknown as { rpc: Rpc } | undefined)?.rpc ?? {}
  for (const kind of ['ADD_PROVIDER', 'PUT_VALUE']) delete handlers?.[kind]
}

interface Rpc {
  handlers?: Record<string, unknown>
}

interface Registrar {
  getMiddleware(protocol: string): unknown[]
}
