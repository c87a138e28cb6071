/** Where this peer can be met, and where it lets another one send it: never to a third party's address. */

import { networkInterfaces } from 'node:os'
import type { Connection } from '@libp2p/interface'
import { limits } from '../../../protocol/limits.ts'
import type { Meeting, TcpEnd } from '../../../protocol/messages/relay.ts'
import { hubPingTimeoutMs } from '../limits.ts'
import { inList, ownNetworks } from '../peers/networks.ts'
import type { Host } from '../transport/host.ts'
import type { OwnPort } from '../transport/own-port.ts'
import { endOfAddress } from './ends.ts'
import type { HubKeeper } from './hub-keeper.ts'
import type { Reach } from './reach.ts'

export interface MeetingComponents {
  host: Host
  keeper: Pick<HubKeeper, 'connected' | 'fromOwnPort'>
  reach: Pick<Reach, 'ask'>
  ownPort: OwnPort
}

/** `none`: seen as it is. `easy`: its NAT has one port for all. `hard`: another port for each. */
export type NatKind = 'none' | 'easy' | 'hard' | 'unknown'

export interface OwnEnds {
  readonly nat: NatKind
  /** Where hubs see connections from the own port, one for each hub that answered. */
  readonly seen: readonly TcpEnd[]
}

/**
 * Asks all connected hubs where they see connections from our own port. What is `known` of a connection isn't asked again, and
 * the rest is noted there: a NAT can't change its end while it lasts.
 */
export async function lookAtOwnEnds(
  { keeper, reach, ownPort }: Omit<MeetingComponents, 'host'>,
  known = new WeakMap<Connection, TcpEnd>(),
): Promise<OwnEnds> {
  const signal = AbortSignal.timeout(hubPingTimeoutMs)
  const ask = async (hub: string) => {
    const connection = await keeper.fromOwnPort(hub, signal)
    if (!ownPort.isFrom(connection)) return undefined
    const end = known.get(connection) ?? (await reach.ask(connection, undefined, signal)).seen
    if (end !== undefined) known.set(connection, end)
    return end
  }
  const answers = await Promise.allSettled(keeper.connected.map(ask))
  const seen = answers.flatMap(each => (each.status === 'fulfilled' && each.value !== undefined ? [each.value] : []))
  return { seen, nat: natOf(seen, ownPort.port) }
}

/** What kind of NAT shows these ends for one local port. */
export function natOf(seen: readonly TcpEnd[], ownPort: number, own = ownAddresses()): NatKind {
  const [first, ...others] = seen
  if (first === undefined) return 'unknown'
  if (others.some(({ port, ip }) => ip === first.ip && port !== first.port)) return 'hard'
  if ((own.includes(first.ip) || isLoopback(first.ip)) && first.port === ownPort) return 'none'
  // One view says only whether the port was kept; most NATs that keep it do so for all.
  return others.length > 0 || first.port === ownPort ? 'easy' : 'unknown'
}

/** All that another peer may try. */
export function meetingOf(
  { seen, nat }: OwnEnds,
  { host, ownPort }: Pick<MeetingComponents, 'host' | 'ownPort'>,
): Meeting {
  const outside = nat === 'hard' ? [] : seen
  const inside = ownAddresses().map(ip => ({ ip, port: ownPort.port }))
  const listens = host.getMultiaddrs().flatMap(address => endOfAddress(address) ?? [])
  return { ends: firstEnds([...outside, ...inside]), listens: firstEnds(listens.filter(({ ip }) => !isLoopback(ip))) }
}

/**
 * Those of another peer's ends that it is right to dial: at the address where the hub sees that peer; and in our own
 * networks, if the hub sees both of us at one address or sees that peer in them.
 */
export function allowedEnds(ends: readonly TcpEnd[], theirIp: string | undefined, ourIps: readonly string[]): TcpEnd[] {
  if (theirIp === undefined) return []
  const networks = ownNetworks()
  const together = ourIps.includes(theirIp) || inList(networks, theirIp)
  return ends.filter(({ ip }) => ip === theirIp || (together && !isLoopback(ip) && inList(networks, ip)))
}

/** Both sides' ends, and where hubs see the two. */
export interface MeetingPlace {
  readonly ours: Meeting
  readonly theirs: Meeting
  readonly theirIp: string | undefined
  readonly ourIps: readonly string[]
}

/** What one side does in a meeting. Both sides draw the same conclusions, so that they don't do the same twice. */
export interface MeetingPlan {
  /** Ends where the other side listens, which this side dials first. */
  readonly listens: readonly TcpEnd[]
  /** Ends that are only there if both sides connect at once. */
  readonly ends: readonly TcpEnd[]
  /** Whether the other side dials this one first. */
  readonly waits: boolean
}

export function planOf({ ours, theirs, theirIp, ourIps }: MeetingPlace, isLower: boolean): MeetingPlan {
  const listens = allowedEnds(theirs.listens, theirIp, ourIps)
  const ends = allowedEnds(theirs.ends, theirIp, ourIps)
  // What the other side allows itself: it has the same rule, and where both share a network, its networks are ours.
  const isDialled = theirIp !== undefined && ourIps.some(ip => allowedEnds(ours.listens, ip, [theirIp]).length > 0)
  // Of two that can dial each other, the one with the lower peer ID does.
  const waits = isDialled && (listens.length === 0 || !isLower)
  return { listens: waits ? [] : listens, ends, waits }
}

/** The hub's view of the other side of a relayed connection, as `RelayedTransport` was told. */
export type SeenAt = (connection: Connection) => string | undefined

function firstEnds(ends: readonly TcpEnd[]): TcpEnd[] {
  const different = new Map(ends.map(end => [`${end.ip} ${end.port}`, end]))
  return [...different.values()].slice(0, limits.meetingEnds)
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  return all.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address)).map(({ address }) => address)
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || ip.startsWith('127.')
}
