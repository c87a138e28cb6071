/** mDNS on one network interface: sends queries periodically, and answers queries at a limited rate. */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { Packet } from 'dns-packet'
import makeDns, { type MulticastDNS } from 'multicast-dns'
import { messageOf } from '../../../protocol/errors.ts'
import { TokenBucket } from '../../concurrency/token-bucket.ts'
import { KnownAnswers, pointerTtl } from './known-answers.ts'
import { mdnsAnswerMs, mdnsPacketBytes, mdnsPacketsPerSecond } from './limits.ts'
import type { MdnsInterface } from './mdns-interfaces.ts'
import {
  type Announcement,
  type DiscoveredPeer,
  isQueryFor,
  knownAnswersIn,
  queryPacket,
  readAnnouncement,
} from './mdns-records.ts'
import { QueryInterval } from './query-interval.ts'

const group = '224.0.0.251'
const port = 5353

export interface MdnsSocketInit {
  readonly on: MdnsInterface
  readonly service: string
  /** Our own name in the service. */
  readonly instance: string
  /** Whether this peer has no connection. */
  isAlone(): boolean
  /** The current answer. */
  announcement(): Announcement | undefined
  found(peer: DiscoveredPeer): void
  /** Logs an error that will be retried. */
  log(text: string): void
}

export class MdnsSocket {
  readonly on: MdnsInterface
  readonly #init: MdnsSocketInit
  readonly #socket: Socket
  readonly #dns: MulticastDNS
  readonly #label: Buffer
  readonly #packets = new TokenBucket({ most: 2 * mdnsPacketsPerSecond, perSecond: mdnsPacketsPerSecond })
  readonly #known = new KnownAnswers()
  readonly #interval = new QueryInterval()
  #query: NodeJS.Timeout | undefined
  #answer: NodeJS.Timeout | undefined
  #answeredAt = Number.NEGATIVE_INFINITY
  #isRepeating = false
  /** The known answers of our last query, by which we recognise it when it is looped back. */
  #sent = ''
  #failed = false

  /** Opens the socket. Errors don't throw; they make it `broken`. */
  constructor(init: MdnsSocketInit) {
    this.#init = init
    this.on = init.on
    this.#label = Buffer.from(init.service.split('.')[0] ?? '')
    this.#socket = createSocket({ type: 'udp4', reuseAddr: true })
    // Bound to the multicast group, it receives nothing meant for another program on this port. Setting the interface
    // by address keeps the kernel from looking up a route.
    this.#dns = makeDns({ socket: this.#socket, interface: init.on.address, bind: group, ip: group, port })
    this.#guard()
    this.#dns.on('error', error => this.#fail(error))
    this.#dns.on('warning', error => this.#log(error))
    this.#dns.on('query', packet => isQueryFor(packet, init.service) && this.#asked(packet))
    this.#dns.on('response', packet => {
      const found = readAnnouncement(packet, init.service, init.on)
      if (found === undefined) return
      this.#known.heard(found.instance)
      init.found(found)
    })
    // Our own query is looped back to us, and its answer announces us. A second query follows soon, in case the first
    // was lost or we had no address yet.
    this.#queryAfter(jitter(20, 120), () => this.#queryAfter(jitter(1000, 1200)))
  }

  /** Whether it needs replacing: after an error, or if the interface disappeared and came back under the same name. */
  get broken(): boolean {
    if (this.#failed) return true
    try {
      this.#socket.addMembership(group, this.on.address)
      return true
    } catch (thrown) {
      return (thrown as NodeJS.ErrnoException).code !== 'EADDRINUSE'
    }
  }

  /** Never rejects. */
  async close(): Promise<void> {
    clearTimeout(this.#query)
    clearTimeout(this.#answer)
    await new Promise<void>(resolve => {
      try {
        this.#dns.destroy(resolve)
      } catch {
        resolve() // the error has closed it already
      }
    })
  }

  /** Runs `#accepts` before the library decodes a packet, so that irrelevant packets cost almost nothing. */
  #guard(): void {
    const decoders = this.#socket.listeners('message') as ((message: Buffer, from: RemoteInfo) => void)[]
    this.#socket.removeAllListeners('message')
    this.#socket.on('message', (message, from) => {
      if (this.#accepts(message, from)) for (const decode of decoders) decode(message, from)
    })
  }

  #accepts(message: Buffer, from: RemoteInfo): boolean {
    // Linux delivers to each socket the packets of all interfaces that any socket has joined the group on, so the
    // sender must be checked.
    if (message.length > mdnsPacketBytes || from.port !== port || !this.on.has(from.address)) return false
    return message.includes(this.#label) && this.#packets.take()
  }

  #queryAfter(milliseconds: number, then = () => this.#queryLater()): void {
    this.#query = setTimeout(() => {
      const query = queryPacket(this.#init.service, this.#known.current)
      this.#sent = JSON.stringify(knownAnswersIn(query, this.#init.service))
      this.#dns.query(query, error => error && this.#fail(error))
      then()
    }, milliseconds)
  }

  #queryLater(): void {
    const pauseMs = this.#interval.next(this.#init.isAlone())
    this.#isRepeating = true
    this.#queryAfter(jitter(0.8 * pauseMs, 1.2 * pauseMs))
  }

  #asked(packet: Packet): void {
    const { service, instance } = this.#init
    const known = knownAnswersIn(packet, service)
    if (!known.some(each => each.instance === instance && each.ttl >= pointerTtl / 2)) this.#answerSoon()
    const isOurs = JSON.stringify(known) === this.#sent
    this.#sent = ''
    // We hear all answers to it. Only repeated queries are left out: the first ones announce us.
    if (isOurs || !this.#isRepeating || !this.#known.hasAll(known)) return
    clearTimeout(this.#query)
    this.#queryLater()
  }

  #answerSoon(): void {
    if (this.#answer !== undefined) return
    // RFC 6762, section 6: answers that several hosts may give are delayed randomly, so that they don't collide.
    const delayMs = Math.max(jitter(20, 120), this.#answeredAt + mdnsAnswerMs - performance.now())
    this.#answer = setTimeout(() => {
      this.#answer = undefined
      const announcement = this.#init.announcement()
      if (announcement === undefined) return
      this.#answeredAt = performance.now()
      this.#dns.respond(announcement, error => error && this.#fail(error))
    }, delayMs)
  }

  #fail(error: Error): void {
    this.#failed = true
    this.#log(error)
  }

  #log(error: Error): void {
    this.#init.log(`mDNS on ${this.on.name}: ${messageOf(error)}`)
  }
}

function jitter(fromMs: number, toMs: number): number {
  return fromMs + Math.random() * (toMs - fromMs)
}
