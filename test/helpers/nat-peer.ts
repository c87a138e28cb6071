/**
 * One peer in a process of its own, which does what it is told in lines of JSON, and answers each with one. Run by tests
 * and benchmarks with network namespaces.
 */

import { createInterface } from 'node:readline'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { wayOf } from '../../node/mesh/transport/way.ts'
import type { MeshTiming } from '../../node/peer/mesh-parts.ts'
import { testFleet, testSigner } from './fleet.ts'
import { Mesh } from './mesh.ts'
import { bulkFrom, serveBulk } from './nat-bulk.ts'

export interface NatPeerInit {
  /** When the fleet was founded: all peers make the same one. */
  readonly now: string
  readonly word: string
  readonly role: 'device' | 'relay' | 'controller'
  readonly listen: readonly string[]
  readonly bootstrap: readonly string[]
  readonly timing?: MeshTiming
  readonly portMapping?: boolean
}

/** The port at the router, as far as tests look at it. */
export interface NatPortState {
  readonly kind: string
  readonly by?: string
  readonly reached?: { readonly ip: string; readonly port: number }
  readonly tried?: boolean
}

export type NatOrder =
  /** Connects to a peer through a hub. */
  | { readonly do: 'dial'; readonly peer: string }
  /** Begins to dial a peer at an address that doesn't answer. */
  | { readonly do: 'dial-in-vain'; readonly peer: string; readonly ip: string }
  /** Ends all connections to a peer at once. */
  | { readonly do: 'part'; readonly peer: string }
  /** The ways of all connections. */
  | { readonly do: 'ways' }
  /** What kind of NAT hubs see. */
  | { readonly do: 'look' }
  /** The port at the router. */
  | { readonly do: 'port' }
  /** The addresses that it tells others. */
  | { readonly do: 'addresses' }
  /** Asks a hub whether a port can be dialled. */
  | { readonly do: 'reach'; readonly hub: string; readonly port: number }
  /** Whether a peer answers. */
  | { readonly do: 'ping'; readonly peer: string }
  /** Bytes per second from a peer. */
  | { readonly do: 'bulk'; readonly peer: string; readonly bytes: number }
  | { readonly do: 'stay-relayed' }
  | { readonly do: 'stats' }

export interface NatWays {
  /** `kind` or `relayed by PEER`, by peer; only admitted ones. */
  readonly ways: Readonly<Record<string, readonly string[]>>
  readonly hubs: readonly string[]
  /** Milliseconds that meetings took. */
  readonly punched: readonly number[]
  /** Peers that were not met. */
  readonly missed: readonly string[]
  /** When the newest connection to each peer was opened. */
  readonly since: Readonly<Record<string, number>>
}

const undo: (() => Promise<void>)[] = []
const mesh = await Mesh.of({ after: work => undo.push(work) })
const init: NatPeerInit = JSON.parse(process.argv[2] ?? '{}')
const { word, role, now, timing, portMapping = false } = init
const fleet = testFleet({ name: 'orchard', now: new Date(now) })
const peer = await mesh.start({
  word,
  fleet,
  certificate: fleet.certify(testSigner(word), { name: word, role }),
  settings: { listen: [...init.listen], bootstrap: [...init.bootstrap], portMapping },
  ...(timing && { timing }),
})
const punched: number[] = []
const missed: string[] = []
peer.relays.puncher.on('missed', id => missed.push(id))
peer.relays.puncher.on('punched', (_, milliseconds) => punched.push(milliseconds))
await serveBulk(peer)
const tell = (answer: unknown) => process.stdout.write(`${JSON.stringify(answer)}\n`)
tell({ ready: peer.identity.peerId })
const stop = () => void Promise.all(undo.map(work => work())).finally(() => process.exit(0))
process.once('SIGTERM', stop)
createInterface({ input: process.stdin })
  .on('line', line => void obey(JSON.parse(line)).then(tell, (thrown: Error) => tell({ error: thrown.message })))
  .on('close', stop)

async function obey(order: NatOrder): Promise<unknown> {
  switch (order.do) {
    case 'dial': {
      const connection = await peer.relays.dial(order.peer, AbortSignal.timeout(20_000))
      return { connected: connection !== undefined }
    }
    case 'dial-in-vain':
      void peer.host.dial(multiaddr(`/ip4/${order.ip}/tcp/9/p2p/${order.peer}`)).catch(() => {})
      return {}
    case 'part':
      for (const each of peer.host.getConnections(peerIdFromString(order.peer))) each.abort(new Error('parted'))
      return {}
    case 'ways':
      return waysNow()
    case 'look':
      return await peer.relays.lookAtOwnEnds()
    case 'port':
      return peer.relays.port.state
    case 'addresses':
      return peer.host.getMultiaddrs().map(String)
    case 'reach': {
      const [connection] = peer.host.getConnections(peerIdFromString(order.hub))
      return connection && (await peer.relays.reach.ask(connection, order.port))
    }
    case 'ping':
      return {
        ms: await peer.host.services.ping.ping(peerIdFromString(order.peer), { signal: AbortSignal.timeout(5_000) }),
      }
    case 'bulk':
      return await bulkFrom(peer, order.peer, order.bytes)
    case 'stay-relayed':
      await peer.relays.puncher.stop()
      return {}
    case 'stats':
      return { bytes: peer.relays.relay.bytes, open: peer.relays.relay.open, rss: process.memoryUsage().rss }
  }
}

function waysNow(): NatWays {
  const ways: Record<string, string[]> = {}
  const since: Record<string, number> = {}
  for (const connection of peer.host.getConnections()) {
    if (peer.admission.member(connection.remotePeer) === undefined) continue
    const { kind, hub } = wayOf(connection)
    const id = connection.remotePeer.toString()
    since[id] = connection.timeline.open
    ways[id] = [...(ways[id] ?? []), hub === undefined ? kind : `relayed by ${hub}`]
  }
  return { ways, hubs: peer.relays.keeper.connected, punched, missed, since }
}
