/**
 * mDNS packets: queries for the fleet's service, and answers with a peer's addresses in TXT records, as in libp2p's
 * specification (https://github.com/libp2p/specs/blob/master/discovery/mdns.md).
 */

import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Answer, Packet, Question } from 'dns-packet'
import { publicKeyOf } from '../../../protocol/signing/peer-id.ts'
import { addressesPerPeer } from '../limits.ts'
import { type KnownAnswer, pointerTtl } from './known-answers.ts'
import { mdnsRecords } from './limits.ts'
import type { MdnsInterface } from './mdns-interfaces.ts'

const prefix = 'dnsaddr='
/** The length of a TXT string is one byte. */
const maxTextLength = 255
/** TTL of addresses in seconds: RFC 6762's value for records that depend on the host. */
const addressTtl = 120

/** A peer found by mDNS. */
export interface DiscoveredPeer {
  /** Its peer ID. */
  readonly peer: string
  /** The name of its process in this service. */
  readonly instance: string
  /** TCP addresses in the interface's networks, with the peer ID: at least one. */
  readonly addresses: readonly Multiaddr[]
}

export interface Announcement {
  answers: Answer[]
  additionals: Answer[]
}

export interface Query {
  questions: Question[]
  answers: Answer[]
}

/** A query for a service, with the answers that need not be given again. */
export function queryPacket(service: string, known: readonly KnownAnswer[]): Query {
  const answers = known.map(({ instance, ttl }): Answer => pointer(service, instance, ttl))
  return { questions: [{ name: service, type: 'PTR' }], answers }
}

function pointer(service: string, instance: string, ttl: number): Answer {
  return { name: service, type: 'PTR', class: 'IN', ttl, data: `${instance}.${service}` }
}

/** Instances of a service that a packet names: the answers that the sender of a query knows. */
export function knownAnswersIn(packet: Packet, service: string): KnownAnswer[] {
  return (packet.answers ?? []).slice(0, mdnsRecords).flatMap(record => {
    if (record.type !== 'PTR' || record.name !== service || !record.data.endsWith(`.${service}`)) return []
    return [{ instance: record.data.slice(0, -service.length - 1), ttl: record.ttl ?? 0 }]
  })
}

/** Whether a packet queries a service. */
export function isQueryFor(packet: Packet, service: string): boolean {
  const questions = packet.questions?.slice(0, mdnsRecords) ?? []
  return questions.some(({ name, type }) => name === service && (type === 'PTR' || (type as string) === 'ANY'))
}

/**
 * The answer that announces the addresses in an interface's networks; undefined if there are none.
 *
 * `instance` names this process; at most 63 characters, as any DNS label.
 */
export function announcementPacket(
  service: string,
  instance: string,
  addresses: readonly Multiaddr[],
  on: Pick<MdnsInterface, 'has'>,
): Announcement | undefined {
  const name = `${instance}.${service}`
  const texts = addresses
    .filter(address => peerAt(address, on) !== undefined)
    .map(address => `${prefix}${address}`)
    .filter(text => text.length <= maxTextLength)
    .slice(0, addressesPerPeer)
  if (texts.length === 0) return undefined
  return {
    answers: [pointer(service, instance, pointerTtl)],
    additionals: texts.map(data => ({ name, type: 'TXT', class: 'IN', ttl: addressTtl, data })),
  }
}

/** The peer that an answer announces; undefined for any other packet. */
export function readAnnouncement(
  packet: Packet,
  service: string,
  on: Pick<MdnsInterface, 'has'>,
): DiscoveredPeer | undefined {
  const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])].slice(0, mdnsRecords)
  const name = records.find(record => record.type === 'PTR' && record.name === service)
  if (name?.type !== 'PTR') return undefined
  let peer: string | undefined
  const addresses: Multiaddr[] = []
  for (const record of records) {
    if (record.type !== 'TXT' || record.name !== name.data) continue
    for (const data of [record.data].flat().slice(0, addressesPerPeer)) {
      if (addresses.length === addressesPerPeer) break
      const address = readText(data.toString())
      const found = address && peerAt(address, on)
      if (address === undefined || found === undefined) continue
      // An answer announces one peer; records of a second one are ignored.
      peer ??= found
      if (peer === found) addresses.push(address)
    }
  }
  const [{ instance } = { instance: '' }] = knownAnswersIn({ answers: [name] }, service)
  return peer === undefined ? undefined : { peer, instance, addresses }
}

function readText(text: string): Multiaddr | undefined {
  if (!text.startsWith(prefix) || text.length > maxTextLength) return undefined
  try {
    return multiaddr(text.slice(prefix.length))
  } catch {
    return undefined
  }
}

/** The peer ID in `/ip4/…/tcp/…/p2p/…` (or ip6), if the address is in the interface's networks. */
function peerAt(address: Multiaddr, on: Pick<MdnsInterface, 'has'>): string | undefined {
  const [ip, tcp, p2p, ...more] = address.getComponents()
  const usable = (ip?.name === 'ip4' || ip?.name === 'ip6') && tcp?.name === 'tcp' && p2p?.name === 'p2p'
  if (!usable || more.length > 0 || ip.value === undefined || p2p.value === undefined || tcp.value === '0') {
    return undefined
  }
  try {
    publicKeyOf(p2p.value)
  } catch {
    return undefined
  }
  return on.has(ip.value) ? p2p.value : undefined
}
