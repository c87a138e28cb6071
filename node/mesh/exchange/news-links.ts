/**
 * The neighbours with which this peer begins rounds of news: some of its own site and some of others, each with a stream that
 * stays open. Others begin rounds with this peer in the same way.
 */

import type { PeerId } from '@libp2p/interface'
import { pause } from '../../concurrency/pause.ts'
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import type { Logger } from '../../process/log.ts'
import { newsFlushMs, newsLinkMs, newsLinks, newsMs, newsRounds } from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import { Channel } from '../transport/channel.ts'
import type { Host } from '../transport/host.ts'
import { openStream } from '../transport/open-stream.ts'
import { mixedWith, type Place } from './mixed-links.ts'
import type { RoundOutcome } from './news-round.ts'

export interface NewsLinksInit {
  host: Host
  protocol: string
  admission: Pick<Admission, 'members' | 'subjectOf' | 'on' | 'off'>
  site: () => string | undefined
  log: Logger
  /** Whether a neighbour begins rounds with us, and not only now and then. */
  isAnswered(neighbour: string): boolean
  /** Begins one round. */
  round(neighbour: string, channel: Channel): Promise<RoundOutcome>
  onOpened(neighbour: string): void
  /** With the reason, if there is one. */
  onEnded(neighbour: string, thrown: unknown): void
}

interface Link extends Place {
  readonly peer: PeerId
  /** One round at a time. */
  readonly rounds: SerialQueue
  channel: Channel | undefined
  /** Of the next round; none where rounds only come before syncs. */
  timer: NodeJS.Timeout | undefined
}

export class NewsLinks {
  readonly #init: NewsLinksInit
  readonly #everyMs: number
  readonly #linkMs: number
  readonly #settleMs: number
  readonly #links = new Map<string, Link>()
  /** Members that don't know this protocol, until they leave. */
  readonly #older = new Set<string>()
  readonly #stop = new AbortController()
  readonly #left = ({ peer }: { peer: PeerId }) => {
    this.#older.delete(peer.toString())
    this.#end(peer.toString(), undefined)
  }
  #timer: NodeJS.Timeout | undefined
  #exchange: NodeJS.Timeout | undefined

  /** `linkMs`: how often a link ends for another one, on average; `settleMs`: how long it has for that at most. */
  constructor(
    init: NewsLinksInit,
    {
      everyMs = newsMs,
      linkMs = newsLinkMs,
      settleMs = newsFlushMs,
    }: { everyMs?: number | undefined; linkMs?: number; settleMs?: number } = {},
  ) {
    this.#init = init
    this.#everyMs = everyMs
    this.#linkMs = linkMs
    this.#settleMs = settleMs
  }

  start(): void {
    this.#init.admission.on('left', this.#left)
    this.#lookAgain()
    this.#exchangeLater()
  }

  stop(): void {
    this.#stop.abort(new Error('the peer stops'))
    clearTimeout(this.#timer)
    clearTimeout(this.#exchange)
    this.#init.admission.off('left', this.#left)
    for (const neighbour of [...this.#links.keys()]) this.#end(neighbour, undefined)
  }

  has(neighbour: string): boolean {
    return this.#links.has(neighbour)
  }

  /** A neighbour begins no more rounds with us: a link that only came before syncs is none to count on. */
  release(neighbour: string): void {
    if (this.#links.get(neighbour)?.timer === undefined) this.#end(neighbour, undefined)
  }

  /**
   * A round with a neighbour now, or once the one under way has ended; with `settles`, rounds until it has taken what it was
   * told. Never rejects.
   */
  async roundWith(peer: PeerId, { settles = false } = {}): Promise<void> {
    const neighbour = peer.toString()
    if (this.#stop.signal.aborted) return
    const link = this.#links.get(neighbour) ?? this.#open(peer)
    try {
      await link.rounds.run(() => this.#round(neighbour, link, settles))
    } catch (thrown) {
      if (this.#links.get(neighbour) !== link) return
      if (thrown instanceof Error && thrown.name === 'UnsupportedProtocolError') this.#older.add(neighbour)
      this.#end(neighbour, thrown)
    }
  }

  async #round(neighbour: string, link: Link, settles: boolean): Promise<void> {
    const { host, protocol, round } = this.#init
    const { signal } = this.#stop
    if (link.channel === undefined) {
      const channel = new Channel(await openStream(host, link.peer, protocol, signal), signal)
      if (this.#links.get(neighbour) !== link) return channel.abort(new Error('the neighbour has left'))
      link.channel = channel
    }
    for (let rounds = 0; rounds < newsRounds; rounds++) {
      const { more, told } = await round(neighbour, link.channel)
      if (!more && !(settles && told)) return
    }
  }

  /** Looks now and then for neighbours, not in step with others. */
  #lookAgain(): void {
    this.#timer = setTimeout(
      () => {
        this.#fill()
        this.#lookAgain()
      },
      (this.#everyMs / 4) * (0.5 + Math.random()),
    )
  }

  #fill(except?: string): void {
    for (let next = this.#next(except); next !== undefined; next = this.#next(except)) {
      const neighbour = next.toString()
      this.#repeat(neighbour, this.#links.get(neighbour) ?? this.#open(next), 0)
    }
  }

  #exchangeLater(): void {
    this.#exchange = setTimeout(
      () => void this.#exchangeOne().finally(() => !this.#stop.signal.aborted && this.#exchangeLater()),
      this.#linkMs * (0.5 + Math.random()),
    )
  }

  /** One link, chosen by chance, ends for another one, once both sides have told each other what they know. */
  async #exchangeOne(): Promise<void> {
    const regular = this.#regular
    const link = regular[Math.floor(Math.random() * regular.length)]
    if (link === undefined || this.#free().length === 0) return
    const neighbour = link.peer.toString()
    // Who answers each message as late as it may must not keep its place so.
    await pause(this.roundWith(link.peer, { settles: true }), this.#settleMs)
    if (this.#links.get(neighbour) === link) this.#end(neighbour, undefined)
    if (!this.#stop.signal.aborted) this.#fill(neighbour)
  }

  #repeat(neighbour: string, link: Link, afterMs: number): void {
    link.timer = setTimeout(() => {
      void this.roundWith(link.peer).then(() => {
        const isOpen = this.#links.get(neighbour) === link
        if (isOpen) this.#repeat(neighbour, link, this.#everyMs * (0.8 + 0.4 * Math.random()))
      })
    }, afterMs)
  }

  /** Those with rounds of their own, and not only before syncs. */
  get #regular(): Link[] {
    return [...this.#links.values()].filter(({ timer }) => timer !== undefined)
  }

  /** Members that could become neighbours. */
  #free(except?: string): (Place & { readonly peer: PeerId })[] {
    const { admission, isAnswered } = this.#init
    const isFree = (neighbour: string) =>
      neighbour !== except &&
      this.#links.get(neighbour)?.timer === undefined &&
      !this.#older.has(neighbour) &&
      !isAnswered(neighbour)
    return admission.members.flatMap(({ peer }) => (isFree(peer.toString()) ? [{ peer, ...this.#placeOf(peer) }] : []))
  }

  /** One more neighbour, of our own site or not by what is lacking; undefined if there are enough, or no others. */
  #next(except?: string): PeerId | undefined {
    const regular = this.#regular
    if (regular.length >= newsLinks) return undefined
    const free = this.#free(except)
    const own = this.#init.site()
    const wantsNear = regular.filter(({ site }) => site === own).length < newsLinks / 2
    const possible = regular.length === newsLinks - 1 ? mixedWith(regular, free) : free
    const preferred = possible.filter(({ site }) => (site === own) === wantsNear)
    const candidates = preferred.length > 0 ? preferred : possible
    return candidates[Math.floor(Math.random() * candidates.length)]?.peer
  }

  #placeOf(peer: PeerId): Place {
    const { admission } = this.#init
    const member = admission.members.find(each => each.peer.equals(peer))
    return { site: member?.certificate.site, group: admission.subjectOf(peer)?.group ?? peer.toString() }
  }

  #open(peer: PeerId): Link {
    const link: Link = { peer, ...this.#placeOf(peer), rounds: new SerialQueue(), channel: undefined, timer: undefined }
    this.#links.set(peer.toString(), link)
    this.#init.onOpened(peer.toString())
    return link
  }

  #end(neighbour: string, thrown: unknown): void {
    const link = this.#links.get(neighbour)
    if (link === undefined) return
    clearTimeout(link.timer)
    link.channel?.abort(thrown ?? new Error('the link ends'))
    this.#links.delete(neighbour)
    this.#init.onEnded(neighbour, thrown)
  }
}
