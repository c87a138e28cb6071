/**
 * A wave of a large fleet in virtual time: its devices update and report each step, neighbours tell each other by the project's
 * own book of news, and each device of the next wave decides by the project's own code when it may begin.
 */

import { type Item, NewsBook } from '../../node/mesh/exchange/news-book.ts'
import { gossipedNews, newsHurryMs, newsLinks, newsMs } from '../../node/mesh/limits.ts'
import { decide } from '../../node/rollout/decide.ts'
import { newsOf } from '../../node/rollout/news.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { limits } from '../../protocol/limits.ts'
import { readCertificate } from '../../protocol/members/certificate.ts'
import type { Release } from '../../protocol/release/release.ts'
import { wavesOf } from '../../protocol/release/waves.ts'
import type { ReportGist } from '../../protocol/report/gist.ts'
import type { Random } from '../attack/fuzz/random.ts'
import type { LargeFleet } from '../helpers/large-fleet.ts'
import type { ReportSizes } from './report-sizes.ts'
import { VirtualTime } from './virtual-time.ts'

const seconds = 1000
/** One message between two peers. */
const hopMs = 100

export interface WaveInit {
  readonly random: Random
  readonly large: LargeFleet
  readonly sizes: ReportSizes
  readonly rollout: NonNullable<Release['rollout']>
  /** Reports of one update before the last one, which says that the release runs; and how long all of it takes. */
  readonly steps: number
  readonly updateMs: readonly [least: number, most: number]
}

interface Link {
  readonly ends: readonly [WavePeer, WavePeer]
  isOpen: boolean
  /** Which ends have begun a round that has not ended. */
  readonly busy: Set<WavePeer>
}

export interface WavePeer {
  readonly number: number
  readonly name: string
  readonly book: NewsBook
  /** By neighbour. */
  readonly links: Map<WavePeer, Link>
  /** What it knows: of each device, which of its reports, and which one that replaced. */
  readonly known: Uint8Array
  readonly replaced: Uint8Array
  /** Devices of the first wave of which it does not know yet that they have confirmed. */
  missing: number
  opened: number | undefined
  bytes: number
  isHurrying: boolean
  hurriedAt: number
}

export class SimulatedWave {
  readonly time = new VirtualTime()
  readonly peers: readonly WavePeer[]
  readonly release: Release
  /** Numbers of the devices of the first wave, and of the one that waits for it. */
  readonly first: readonly number[]
  readonly next: readonly number[]
  /** When the last device of the first wave has reported that it runs the release. */
  confirmedAt: number | undefined
  published = 0
  readonly #init: WaveInit
  readonly #members: ReturnType<typeof readCertificate>[]
  readonly #numbers: ReadonlyMap<string, number>
  readonly #isFirst: readonly boolean[]
  readonly #isNext: readonly boolean[]
  readonly #topLevel: string
  readonly #gists: { readonly waiting: ReportGist; readonly confirmed: ReportGist }
  #updating = 0

  constructor(init: WaveInit) {
    this.#init = init
    const { large } = init
    this.release = { ...large.fleet.published.release, rollout: init.rollout }
    const numbers = new Map(large.devices.map(({ name }, number) => [name, number]))
    const [first = [], next = []] = wavesOf(this.release).map(({ devices }) =>
      devices.map(name => numbers.get(name) ?? 0),
    )
    this.first = first
    this.next = next
    const [ofFirst, ofNext] = [new Set(first), new Set(next)]
    this.#isFirst = large.devices.map((_, number) => ofFirst.has(number))
    this.#isNext = large.devices.map((_, number) => ofNext.has(number))
    this.#numbers = new Map(large.devices.map(({ peer }, number) => [peer, number]))
    this.#members = large.devices.map(({ certificate }) => readCertificate(certificate))
    this.#topLevel = Object.values(this.release.configs)[0]?.topLevel ?? ''
    const at = timeText(large.fleet.now)
    this.#gists = {
      waiting: { counter: 1, state: 'testing', at, release: 1, wanted: this.release.version },
      confirmed: {
        counter: 2,
        state: 'running',
        at,
        since: at,
        release: this.release.version,
        running: this.#topLevel,
      },
    }
    this.peers = large.devices.map((_, number) => ({
      number,
      name: `${number}`,
      book: new NewsBook({ now: () => this.time.now }),
      links: new Map(),
      known: new Uint8Array(large.devices.length).fill(1),
      replaced: new Uint8Array(large.devices.length),
      missing: first.length,
      opened: undefined,
      bytes: 0,
      isHurrying: false,
      hurriedAt: Number.NEGATIVE_INFINITY,
    }))
    this.#connect()
  }

  /** All devices of the first wave begin now. */
  begin(): void {
    const { random, steps, updateMs } = this.#init
    for (const number of this.first) {
      const peer = this.peers[number] as WavePeer
      const lasts = updateMs[0] + random.below(updateMs[1] - updateMs[0])
      this.#updating++
      for (let step = 1; step <= steps; step++) {
        // The first step is at once, the others by chance until the end.
        this.time.after(step === 1 ? random.below(seconds) : (lasts * (step - 1)) / steps, () =>
          this.#publish(peer, 1 + step),
        )
      }
      this.time.after(lasts, () => {
        if (--this.#updating === 0) this.confirmedAt = this.time.now
        this.#publish(peer, steps + 2)
      })
    }
  }

  get allHaveOpened(): boolean {
    return this.next.every(number => this.peers[number]?.opened !== undefined)
  }

  /** Cuts these peers off from all others for so long. */
  cutOff(isCut: (peer: WavePeer) => boolean, milliseconds: number): void {
    const cut = new Set<Link>()
    for (const peer of this.peers) {
      if (isCut(peer)) for (const [other, link] of peer.links) if (!isCut(other) && link.isOpen) cut.add(link)
    }
    for (const link of cut) this.#close(link)
    this.time.after(milliseconds, () => {
      for (const link of cut) this.#open(link)
      for (const link of cut) this.#sync(link)
    })
  }

  /** As the mesh makes them: two rounds in three go to the own site, and who begins them with us is not asked, too. */
  #connect(): void {
    const { random, large } = this.#init
    const sites = Map.groupBy(this.peers, ({ number }) => large.devices[number]?.site)
    for (const peer of this.peers) {
      const near = sites.get(large.devices[peer.number]?.site) ?? []
      for (let begun = 0, tries = 0; begun < newsLinks && tries < 100; tries++) {
        const other = random.pick(begun < newsLinks / 2 ? near : this.peers)
        if (other === peer || peer.links.has(other)) continue
        begun++
        const link: Link = { ends: [peer, other], isOpen: false, busy: new Set() }
        peer.links.set(other, link)
        other.links.set(peer, link)
        this.#open(link)
        this.time.after(random.below(newsMs), () => this.#repeat(link))
      }
    }
  }

  #repeat(link: Link): void {
    this.#round(link, link.ends[0])
    this.time.after(newsMs * 0.8 + this.#init.random.below(newsMs * 0.4), () => this.#repeat(link))
  }

  #open(link: Link): void {
    const [one, other] = link.ends
    link.isOpen = true
    one.book.open(other.name)
    other.book.open(one.name)
  }

  #close(link: Link): void {
    const [one, other] = link.ends
    link.isOpen = false
    one.book.close(other.name)
    other.book.close(one.name)
  }

  #publish(peer: WavePeer, sequence: number): void {
    this.published++
    this.#take(peer, [peer.name, sequence], undefined)
  }

  /** As a peer that has not known this yet: it tells its neighbours. */
  #take(peer: WavePeer, item: Item, from: WavePeer | undefined): boolean {
    const [number, sequence] = [Number(item[0]), item[1]]
    const before = peer.known[number] ?? 0
    if (before >= sequence) return false
    peer.replaced[number] = before
    peer.known[number] = sequence
    const isOutcome = sequence > 1 + this.#init.steps
    // As the mesh does in large fleets: only the own site hears at once of steps.
    const isHere = this.#siteOf(number) === this.#siteOf(peer.number)
    const isLater = (other: string) => !isOutcome && !(isHere && this.#siteOf(Number(other)) === this.#siteOf(number))
    peer.book.add(item, undefined, from?.name, isLater)
    if (isOutcome || isHere) this.#hurry(peer)
    if (isOutcome && this.#isFirst[number]) this.#look(peer)
    return true
  }

  /** A device of the next wave decides when it knows all but the last outcome, and when it knows all. */
  #look(peer: WavePeer): void {
    peer.missing--
    if (peer.missing > 1 || peer.opened !== undefined || !this.#isNext[peer.number]) return
    const { large, steps } = this.#init
    const known = (of: string) => {
      const sequence = peer.known[this.#numbers.get(of) ?? 0] ?? 0
      return { report: sequence > 1 + steps ? this.#gists.confirmed : this.#gists.waiting }
    }
    const news = newsOf(this.release, this.#members, known)
    const now = { steady: this.time.now, clock: large.fleet.now }
    const self = large.devices[peer.number]?.name ?? ''
    const { decision } = decide({ release: this.release, self, news, now, memory: undefined })
    if (decision.is === 'open') peer.opened = this.time.now
    if ((peer.missing === 0) !== (decision.is === 'open')) {
      throw new Error(`${peer.missing} are missing, and ${self} is ${decision.is}: ${decision.reason}`)
    }
  }

  #siteOf(number: number): string | undefined {
    return this.#init.large.devices[number]?.site
  }

  #hurry(peer: WavePeer): void {
    if (peer.isHurrying) return
    peer.isHurrying = true
    this.time.after(Math.max(0, peer.hurriedAt + newsHurryMs - this.time.now), () => {
      peer.isHurrying = false
      peer.hurriedAt = this.time.now
      for (const [other, link] of peer.links) if (peer.book.hasNews(other.name)) this.#round(link, peer)
    })
  }

  /** A round that one side begins, in four messages, or in two where there is nothing to send. */
  #round(link: Link, one: WavePeer): void {
    if (!link.isOpen || link.busy.has(one)) return
    link.busy.add(one)
    const other = link.ends[0] === one ? link.ends[1] : link.ends[0]
    const told = one.book.take(other.name)
    this.#send(link, { told: told.length })
    this.time.after(hopMs, () => {
      const answered = link.isOpen ? other.book.take(one.name) : []
      const wanted = wantedBy(other, told, one)
      this.#send(link, { told: answered.length, wants: wanted.length })
      this.time.after(hopMs, () => {
        const asked = wantedBy(one, answered, other)
        if (answered.length + wanted.length > 0)
          this.#send(link, { wants: asked.length, ...this.#sent(one, other, wanted) })
        this.time.after(hopMs, () => {
          if (!link.isOpen) return this.#fail(link, one, [told, answered])
          for (const [number, sequence] of wanted)
            this.#take(other, [number, Math.max(sequence, one.known[Number(number)] ?? 0)], one)
          if (asked.length > 0) this.#send(link, this.#sent(other, one, asked))
          this.time.after(hopMs, () => {
            if (!link.isOpen) return this.#fail(link, one, [[], answered])
            for (const [number, sequence] of asked)
              this.#take(one, [number, Math.max(sequence, other.known[Number(number)] ?? 0)], other)
            link.busy.delete(one)
            if (Math.max(told.length, answered.length) === limits.newsTold) this.#round(link, one)
          })
        })
      })
    })
  }

  /** What it has told counts as untold. */
  #fail(link: Link, one: WavePeer, [told, answered]: readonly [readonly Item[], readonly Item[]]): void {
    const other = link.ends[0] === one ? link.ends[1] : link.ends[0]
    one.book.putBack(other.name, told)
    other.book.putBack(one.name, answered)
    link.busy.delete(one)
  }

  /** The newest report of each, as a difference where the other side has the one before. */
  #sent(from: WavePeer, to: WavePeer, items: readonly Item[]): { differences: number; whole: number } {
    const isBase = ([number]: Item) => {
      const base = to.known[Number(number)] ?? 0
      return from.replaced[Number(number)] === base
    }
    const differences = items.filter(isBase).length
    return { differences, whole: items.length - differences }
  }

  #send(link: Link, said: Parameters<ReportSizes['message']>[0]): void {
    const bytes = this.#sizeOf(said)
    for (const end of link.ends) end.bytes += bytes
  }

  readonly #sizesOf = new Map<string, number>()
  #sizeOf(said: Parameters<ReportSizes['message']>[0]): number {
    const { told = 0, wants = 0, differences = 0, whole = 0 } = said
    const name = `${told} ${wants} ${differences} ${whole}`
    const known = this.#sizesOf.get(name)
    if (known !== undefined) return known
    const bytes = this.#init.sizes.message(said)
    this.#sizesOf.set(name, bytes)
    return bytes
  }

  /** After a connection: each takes what is new to it; a little is told on, much is offered to the other neighbours by syncs. */
  #sync(link: Link): void {
    if (!link.isOpen) return
    const [one, other] = link.ends
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const items: Item[] = []
      for (const [number, sequence] of from.known.entries()) {
        if (sequence > (to.known[number] ?? 0)) items.push([`${number}`, sequence])
      }
      for (let at = 0; at < items.length; at += limits.newsTold) {
        this.#send(link, { whole: Math.min(limits.newsTold, items.length - at) })
      }
      for (const item of items) this.#take(to, item, from)
      if (items.length <= gossipedNews) continue
      for (const each of to.links.values()) if (each !== link) this.time.after(2 * hopMs, () => this.#sync(each))
    }
  }
}

function wantedBy(peer: WavePeer, told: readonly Item[], by: WavePeer): Item[] {
  return told.filter(item => {
    peer.book.heard(by.name, item)
    return (peer.known[Number(item[0])] ?? 0) < item[1]
  })
}
