/**
 * News in virtual time: each repeated report comes to every peer once, and soon, though each peer tells few neighbours once a
 * minute. `THYMESH_PEERS=10000 node --test test/scale/news.test.ts` takes a while.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Item, NewsBook } from '../../node/mesh/exchange/news-book.ts'
import { newsLinks, newsMs } from '../../node/mesh/limits.ts'
import { Random } from '../attack/fuzz/random.ts'
import { VirtualTime } from './virtual-time.ts'

const peers = Number(process.env.THYMESH_PEERS ?? 200)
const minutes = 15
/** Each device repeats its report every six hours. */
const everyMs = Math.min(20_000, (6 * 60 * 60_000) / peers)
/** Of all, this part hears of no news: switched off, or of an older version. */
const deafOneIn = 10

interface Peer {
  readonly name: string
  readonly book: NewsBook
  readonly counters: Map<string, number>
  told: number
  taken: number
}

/** Both tell each other what is new to them, and take it: the project's own book, without links and bytes. */
function round(one: Peer, other: Peer, onNew: (to: Peer, item: Item) => void): void {
  const take = (from: Peer, to: Peer) => {
    const items = from.book.take(to.name)
    from.told += items.length
    return () => {
      for (const item of items) {
        to.book.heard(from.name, item)
        const [peer, counter] = item
        if ((to.counters.get(peer) ?? 0) >= counter) continue
        to.counters.set(peer, counter)
        to.taken++
        to.book.add(item, undefined, from.name)
        onNew(to, item)
      }
    }
  }
  take(one, other)()
  take(other, one)()
}

describe('news in virtual time', () => {
  it('come to every peer once, within minutes', t => {
    const random = new Random(1)
    const time = new VirtualTime()
    const all = Array.from(
      { length: peers },
      (_, at): Peer => ({ name: `${at}`, book: new NewsBook(), counters: new Map(), told: 0, taken: 0 }),
    )
    const hearing = all.filter((_, at) => at % deafOneIn > 0)
    const began = new Map<string, number>()
    const delays: number[] = []
    const onNew = (_: Peer, [peer, counter]: Item) => delays.push(time.now - (began.get(`${peer} ${counter}`) ?? 0))
    for (const peer of hearing) {
      for (let link = 0; link < newsLinks; link++) {
        const other = random.pick(hearing)
        if (other === peer || peer.book.has(other.name)) continue
        peer.book.open(other.name)
        other.book.open(peer.name)
        time.every(newsMs, random.below(newsMs), () => round(peer, other, onNew))
      }
    }
    let published = 0
    time.every(everyMs, 0, () => {
      // What would have no time to arrive is not published.
      if (time.now > (minutes - 8) * 60_000) return
      const origin = random.pick(hearing)
      const item: Item = [origin.name, ++published]
      origin.counters.set(...item)
      began.set(item.join(' '), time.now)
      origin.book.add(item, undefined)
    })
    time.run(minutes * 60_000)
    delays.sort((a, b) => a - b)
    const at = (part: number) => Math.round((delays[Math.floor(part * (delays.length - 1))] ?? 0) / 1000)
    const sum = (of: (peer: Peer) => number) => hearing.reduce((total, peer) => total + of(peer), 0)
    const told = sum(peer => peer.told) / hearing.length / published
    t.diagnostic(
      `${peers} peers, ${published} reports: half after ${at(0.5)} s, 99 % ${at(0.99)} s, all ${at(1)} s; told ${told} times by each`,
    )
    assert.equal(
      sum(peer => peer.taken),
      published * (hearing.length - 1),
    )
    // Of six links, each is told on by one side: three times by each peer, on average.
    assert.ok(told < newsLinks + 0.5, `${told}`)
  })
})
