/** Looks at the network of a running peer: all connections and their ways, and checks of what the network lets it do. */

import { networkInterfaces } from 'node:os'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { ReachAnswer, TcpEnd } from '../../protocol/messages/relay.ts'
import { inList, privateNetworks } from '../mesh/peers/networks.ts'
import type { Member } from '../mesh/peers/newest-certificate.ts'
import { endOfAddress } from '../mesh/relay/ends.ts'
import { type PortState, sentenceOf } from '../mesh/relay/mapped-port.ts'
import type { OwnEnds } from '../mesh/relay/meeting.ts'
import type { ConnectionView, NetCheck, NetChecks, PeersView, WayView } from '../mesh/relay/network-view.ts'
import { listeningProblem } from '../mesh/transport/listening.ts'
import { connectionTo, directTo } from '../mesh/transport/open-stream.ts'
import { trafficOf } from '../mesh/transport/traffic.ts'
import { isRelayed, type Way, wayOf } from '../mesh/transport/way.ts'
import type { Settings } from '../settings/settings.ts'
import { askedNeighbours, askedToDial, clockOffMs, lookMs } from './limits.ts'
import type { MeshPeer } from './mesh-peer.ts'

type Looked = Pick<MeshPeer, 'host' | 'admission' | 'directory' | 'relays' | 'own' | 'supervisor'>

/** The way of a member's best connection; undefined if there is none. */
export function wayTo({ host, directory }: Pick<Looked, 'host' | 'directory'>, peer: string): WayView | undefined {
  const connection = connectionTo(host, peerIdFromString(peer))
  return connection && viewOf(directory, wayOf(connection))
}

function viewOf(directory: Looked['directory'], { kind, hub }: Way): WayView {
  return { kind, hub: hub === undefined ? null : (directory.member(hub)?.name ?? hub) }
}

/** All connections to members, by name. Measures round trips that are not known yet. */
export async function lookAtPeers(peer: Looked): Promise<PeersView> {
  const rows = peer.admission.members.flatMap(member => {
    return peer.host.getConnections(member.peer).map(connection => rowOf(peer, member, connection))
  })
  const connections = (await Promise.all(rows)).sort((a, b) => (a.name < b.name ? -1 : 1))
  return { self: peer.own.certificate.name, connections }
}

async function rowOf(peer: Looked, { certificate }: Member, connection: Connection): Promise<ConnectionView> {
  const { host, directory } = peer
  const known = await host.peerStore.get(connection.remotePeer).catch(() => undefined)
  const agent = known?.metadata.get('AgentVersion')
  return {
    peer: certificate.peer,
    name: certificate.name,
    role: certificate.role,
    site: certificate.site ?? null,
    way: viewOf(directory, wayOf(connection)),
    direction: connection.direction === 'outbound' ? 'out' : 'in',
    address: connection.remoteAddr.toString().replace(/\/p2p\/[^/]+$/, ''),
    roundTripMs: await roundTrip(peer, connection),
    since: new Date(connection.timeline.open).toISOString(),
    ...trafficOf(connection),
    agent: agent === undefined ? null : Buffer.from(agent).toString().slice(0, 100),
  }
}

/** libp2p measures it every few minutes; a new connection has none yet. */
async function roundTrip({ host, relays }: Looked, connection: Connection): Promise<number | null> {
  const known = relays.keeper.roundTripMs(connection.remotePeer.toString())
  if (!isRelayed(connection) && known !== undefined) return known
  if (connection.rtt === undefined && connectionTo(host, connection.remotePeer) === connection) {
    const signal = AbortSignal.timeout(lookMs)
    connection.rtt = await host.services.ping.ping(connection.remotePeer, { signal }).catch(() => undefined as never)
  }
  return connection.rtt ?? null
}

/** Checks all that a person would look at if peers don't find each other. Takes up to 10 seconds. */
export async function checkNetwork(
  peer: Looked,
  { listen, mdns }: Pick<Settings, 'listen' | 'mdns'>,
): Promise<NetChecks> {
  const [ends, asked] = await Promise.all([peer.relays.lookAtOwnEnds(), askAround(peer)])
  const checks = [
    listening(peer, listen),
    connected(peer),
    nat(ends),
    reachable(peer, asked.dialled),
    ...mapping(peer),
    hubs(peer),
    found(peer, mdns),
    clock(asked.offMs),
    ipv6(peer),
  ]
  const ok = checks.every(({ result }) => result !== 'bad')
  return { self: peer.own.certificate.name, ok, nat: ends.nat, checks }
}

interface Asked {
  readonly dialled: readonly ReachAnswer['dialled'][]
  /** How far our clock is ahead of each neighbour's, in milliseconds. */
  readonly offMs: readonly number[]
}

/** Asks direct neighbours for their clocks, and some of those outside of this network to dial this peer. */
async function askAround({ host, admission, relays }: Looked): Promise<Asked> {
  const { keeper, reach } = relays
  const near = admission.members.flatMap(({ peer }) => directTo(host, peer) ?? []).slice(0, askedNeighbours)
  const own = host.getMultiaddrs().flatMap(address => endOfAddress(address)?.port ?? [])[0]
  const port = reachedAt(relays)?.port ?? own
  const isOutside = ({ remoteAddr, remotePeer }: Connection) => {
    return keeper.isConnected(`${remotePeer}`) || !inList(privateNetworks, endOfAddress(remoteAddr)?.ip ?? '127.0.0.1')
  }
  const outside = port === undefined ? [] : near.filter(isOutside).slice(0, askedToDial)
  const offMs = near.map(async connection => {
    const began = performance.now()
    const { clock: theirs } = await reach.ask(connection, undefined, AbortSignal.timeout(lookMs))
    return theirs === undefined ? [] : [Date.now() - (performance.now() - began) / 2 - theirs]
  })
  const dialled = outside.map(async connection => {
    return [(await reach.ask(connection, port, AbortSignal.timeout(lookMs))).dialled]
  })
  return { dialled: await answersOf(dialled), offMs: await answersOf(offMs) }
}

/** Those that have come: a peer of an older version doesn't answer. */
async function answersOf<T>(asked: readonly Promise<T[]>[]): Promise<T[]> {
  const settled = await Promise.allSettled(asked)
  return settled.flatMap(each => (each.status === 'fulfilled' ? each.value : []))
}

function listening({ host }: Looked, listen: readonly string[]): NetCheck {
  const addresses = host.getMultiaddrs().map(address => address.toString().replace(/\/p2p\/[^/]+$/, ''))
  const problem = listeningProblem(listen, addresses)
  if (problem !== undefined) {
    return bad('listening', problem, 'Look which program has the port (ss -ltnp), or set another address to listen on.')
  }
  if (addresses.length === 0) return none('listening', 'this peer listens nowhere, so nobody can dial it')
  return good('listening', addresses.join(', '))
}

function connected({ admission }: Looked): NetCheck {
  const count = admission.members.length
  if (count > 0) return good('peers', `${count} connected`)
  return bad('peers', 'no member is connected', 'Check cable and firewall, and that an address in "bootstrap" answers.')
}

function nat({ nat: kind, seen }: OwnEnds): NetCheck {
  const at = [...new Set(seen.map(({ ip }) => ip))].join(', ')
  if (kind === 'none') return good('nat', `no NAT: hubs see this peer at its own address ${at}`)
  if (kind === 'easy') return good('nat', `an easy NAT at ${at}: peers behind such NATs connect directly`)
  if (kind === 'unknown') return none('nat', 'no hub has answered, so it is not known', 'Set up a hub: docs/relays.md.')
  const hint =
    'Forward a port to this peer, have it ask the router for one ("portMapping": true), or turn on "endpoint-independent mapping" in the router.'
  return none('nat', `a hard NAT at ${at}: each connection has another port, so others come through a hub`, hint)
}

function reachable(peer: Looked, answers: Asked['dialled']): NetCheck {
  if (answers.includes('yes')) return good('reachable', 'others can dial this peer')
  const reached = reachedAt(peer.relays)
  if (reached !== undefined) {
    return good('reachable', `others can dial this peer at ${reached.ip}:${reached.port}, the router's port`)
  }
  if (answers.includes('no')) {
    return none('reachable', 'others can not dial this peer: it dials them, or they come through a hub')
  }
  if (answers.includes('later')) return none('reachable', 'asked too often: ask again in a minute')
  const hint = peer.admission.members.length > 0 ? 'Ask again when a hub is connected.' : null
  return none('reachable', 'no peer outside has answered', hint)
}

/** Nothing where it is off: a command of a version that doesn't know this line still reads the others. */
function mapping({ relays }: Looked): NetCheck[] {
  const { state } = relays.port
  if (state.kind === 'off') return []
  const text = sentenceOf(state)
  if (reachedAt(relays) !== undefined) return [good('port-mapping', text)]
  const byHand = 'Turn on PCP, NAT-PMP or UPnP in the router, or forward a port to this peer by hand.'
  const hints: Partial<Record<PortState['kind'], string>> = {
    unheard: 'Let this peer listen at /ip4/0.0.0.0.',
    absent: byHand,
    refused: byHand,
    mapped: 'If this stays: the router is behind another NAT itself, or its firewall drops what comes to the port.',
  }
  return [none('port-mapping', text, hints[state.kind] ?? null)]
}

/** Where others have reached this peer by the router's port. */
function reachedAt({ port: { state } }: Looked['relays']): TcpEnd | undefined {
  return state.kind === 'mapped' ? state.reached : undefined
}

function hubs({ relays, directory }: Looked): NetCheck {
  const { all } = relays.keeper
  if (all.length === 0)
    return none('hubs', 'the fleet has no hubs', 'Set one up if sites are behind NATs: docs/relays.md.')
  const text = all.map(hub => {
    const ms = relays.keeper.roundTripMs(hub)
    const name = directory.member(hub)?.name ?? hub
    return `${name} ${relays.keeper.isConnected(hub) ? (ms === undefined ? 'connected' : `${Math.round(ms)} ms`) : 'not connected'}`
  })
  const there = all.filter(hub => relays.keeper.isConnected(hub))
  if (there.length > 0) return good('hubs', text.join(', '))
  return bad('hubs', text.join(', '), "Check that this network lets TCP out to the hubs' ports.")
}

function found({ supervisor }: Looked, mdns: boolean): NetCheck {
  if (!mdns) return none('mdns', 'off: peers of this network are not looked for')
  const count = supervisor.discoveredCount
  if (count > 0) return good('mdns', `${count} found in this network`)
  return none('mdns', 'nobody found in this network', 'If there are others: allow UDP 5353 and multicast between them.')
}

function clock(offsets: readonly number[]): NetCheck {
  const known = offsets.toSorted((a, b) => a - b)
  const median = known[Math.floor(known.length / 2)]
  if (median === undefined) return none('clock', 'no peer has told its time')
  const seconds = Math.round(Math.abs(median) / 1000)
  const what = `${seconds} s ${median > 0 ? 'ahead of' : 'behind'} ${known.length === 1 ? 'its neighbour' : 'its neighbours'}`
  if (Math.abs(median) < clockOffMs) return good('clock', seconds === 0 ? 'as its neighbours' : what)
  return bad('clock', what, 'Set the clock (timedatectl), or the settings\' "clock" to "none" if it has no battery.')
}

function ipv6({ host }: Looked): NetCheck {
  const own = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  const global = own.filter(({ address, family }) => family === 'IPv6' && /^[23]/.test(address))
  const used = host.getConnections().filter(({ remoteAddr }) => remoteAddr.toString().startsWith('/ip6/')).length
  if (global.length === 0) return none('ipv6', 'this machine has no global IPv6 address')
  return good(
    'ipv6',
    `${global.length === 1 ? 'one global address' : `${global.length} global addresses`}, ${used} connections`,
  )
}

const good = (check: NetCheck['check'], message: string): NetCheck => ({ check, result: 'good', message, hint: null })
const none = (check: NetCheck['check'], message: string, hint: string | null = null): NetCheck => {
  return { check, result: 'none', message, hint }
}
const bad = (check: NetCheck['check'], message: string, hint: string): NetCheck => ({
  check,
  result: 'bad',
  message,
  hint,
})
