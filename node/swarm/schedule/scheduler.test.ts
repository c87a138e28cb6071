/** Tests of the scheduler's rules, one by one. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SchedulerLimits } from '../limits.ts'
import { highestScoring, seedOf } from './rendezvous.ts'
import { type Request, Scheduler } from './scheduler.ts'

const kib = 1024

/** A scheduler that wants `count` chunks of 64 KiB. */
function wanting(count: number, limits: Partial<SchedulerLimits> = {}, random = () => 0.5): Scheduler {
  const scheduler = new Scheduler({ self: 'us', lengths: new Uint32Array(count).fill(64 * kib), limits, random })
  scheduler.want(Array(count).keys())
  return scheduler
}

function meet(scheduler: Scheduler, id: string, local: boolean, has: Iterable<number> | 'all', wants = false): void {
  scheduler.addPeer({ id, local }, 0)
  if (has === 'all') scheduler.peerHas(id, 'all', 0)
  else for (const chunk of has) scheduler.peerHas(id, chunk, 0)
  scheduler.peerWants(id, wants)
}

const chunksOf = (requests: readonly Request[], peer?: string) =>
  requests.filter(each => peer === undefined || each.peer === peer).map(each => each.chunk)

/** The member, of us and some peers, whose turn it is to bring a chunk. */
const bringer = (chunk: number, ...ids: string[]) =>
  highestScoring(
    chunk,
    ['us', ...ids].map(id => ({ id, seed: seedOf(id) })),
  )?.id

describe('windows', () => {
  it('are filled, not overfilled, and evenly', () => {
    const scheduler = wanting(100)
    meet(scheduler, 'a', true, 'all')
    meet(scheduler, 'b', true, 'all')
    scheduler.setWindow('a', 256 * kib)
    scheduler.setWindow('b', 512 * kib)
    const { requests } = scheduler.next(0)
    assert.equal(chunksOf(requests, 'a').length, 4)
    assert.equal(chunksOf(requests, 'b').length, 8)
    assert.equal(new Set(chunksOf(requests)).size, 12, 'no chunk is asked of two peers')
    assert.equal(scheduler.inFlight, 12)
    assert.deepEqual(scheduler.next(0).requests, [])
  })

  it('are kept within the limits', () => {
    const scheduler = wanting(1000)
    meet(scheduler, 'a', true, 'all')
    scheduler.setWindow('a', 1)
    assert.equal(scheduler.next(0).requests.length, 4)
    scheduler.setWindow('a', 1e12)
    assert.equal(scheduler.next(0).requests.length, 124)
  })

  it('let a chunk through that is larger than they are', () => {
    const scheduler = new Scheduler({ self: 'us', lengths: Uint32Array.of(9 << 20, 9 << 20) })
    scheduler.want([0, 1])
    meet(scheduler, 'a', true, 'all')
    assert.equal(scheduler.next(0).requests.length, 1)
  })

  it('stay empty while a peer is busy', () => {
    const scheduler = wanting(10)
    meet(scheduler, 'a', true, 'all')
    scheduler.busy('a', 300)
    const { requests, wakeAt } = scheduler.next(0)
    assert.deepEqual(requests, [])
    assert.equal(wakeAt, 300)
    assert.equal(scheduler.next(300).requests.length, 10)
  })

  it('are empty again when a peer says that it is busy: it answers nothing of what it was asked', () => {
    const scheduler = wanting(10)
    meet(scheduler, 'a', true, 'all')
    assert.equal(scheduler.next(0).requests.length, 10)
    scheduler.busy('a', 300)
    assert.equal(scheduler.inFlight, 0)
    meet(scheduler, 'b', true, 'all')
    assert.equal(chunksOf(scheduler.next(1).requests, 'b').length, 10)
  })
})

describe('the order', () => {
  it('is rarest first among local peers, within the look-ahead', () => {
    const scheduler = wanting(100, { lookAheadChunks: 20, minWindowBytes: 64 * kib })
    meet(scheduler, 'a', true, 'all')
    meet(
      scheduler,
      'b',
      true,
      [...Array(100).keys()].filter(chunk => chunk !== 7 && chunk !== 90),
    )
    scheduler.busy('b', 1000)
    scheduler.setWindow('a', 64 * kib)
    assert.deepEqual(chunksOf(scheduler.next(0).requests), [7], 'chunk 90 is as rare, but too far ahead')
  })

  it('differs between devices where chunks are equally rare', () => {
    const firsts = [0.1, 0.4, 0.8].map(random => {
      const scheduler = wanting(100, {}, () => random)
      meet(scheduler, 'a', true, 'all')
      meet(scheduler, 'b', true, [], true)
      return chunksOf(scheduler.next(0).requests).join()
    })
    assert.equal(new Set(firsts).size, 3)
  })

  it('is that of the wish over the uplink', () => {
    const scheduler = new Scheduler({ self: 'us', lengths: new Uint32Array(5).fill(kib) })
    scheduler.want([3, 1, 4])
    meet(scheduler, 'far', false, 'all')
    assert.deepEqual(chunksOf(scheduler.next(0).requests), [3, 1, 4])
  })
})

describe('one copy per site', () => {
  it('asks local peers only for what one of them has', () => {
    const scheduler = wanting(40)
    meet(scheduler, 'far', false, 'all')
    meet(scheduler, 'near', true, 'all')
    assert.deepEqual(chunksOf(scheduler.next(0).requests, 'far'), [])
  })

  it('brings our share of the rest, and leaves the others theirs', () => {
    const scheduler = wanting(40, { windowBytes: 8 << 20 })
    meet(scheduler, 'far', false, 'all')
    meet(scheduler, 'near', true, [], true)
    meet(scheduler, 'idle', true, [])
    const ours = [...Array(40).keys()].filter(chunk => bringer(chunk, 'near') === 'us')
    assert.deepEqual(chunksOf(scheduler.next(0).requests), ours)
  })

  it('asks the local peer that brought a chunk, and spares the rest of our own request for it', () => {
    const scheduler = wanting(1)
    meet(scheduler, 'far', false, 'all')
    assert.equal(scheduler.next(0).requests.length, 1)
    meet(scheduler, 'near', true, [0], true)
    const { requests, cancels } = scheduler.next(1)
    assert.deepEqual(requests, [{ peer: 'near', chunk: 0 }])
    assert.deepEqual(cancels, [{ peer: 'far', chunk: 0 }])
  })

  it('takes over when a lease lapses, and not from one that makes progress', () => {
    const scheduler = wanting(40, { windowBytes: 8 << 20, handOverFactor: 1e9 })
    meet(scheduler, 'far', false, 'all')
    meet(scheduler, 'alive', true, [], true)
    meet(scheduler, 'dead', true, [], true)
    const owned = (id: string) => [...Array(40).keys()].filter(chunk => bringer(chunk, 'alive', 'dead') === id)
    for (const chunk of chunksOf(scheduler.next(0).requests)) scheduler.received('far', chunk, 100)
    const first = owned('alive')[0] as number
    scheduler.peerHas('alive', first, 4000)
    scheduler.next(4000)
    const { requests } = scheduler.next(5000)
    assert.equal(scheduler.stats.lapsed, 1)
    const taken = owned('dead').filter(chunk => bringer(chunk, 'alive') === 'us')
    assert.deepEqual(chunksOf(requests, 'far'), taken)
  })

  it('relieves one that is far slower than the rest of the later half of its share', () => {
    const scheduler = wanting(40, { windowBytes: 8 << 20 })
    meet(scheduler, 'far', false, 'all')
    meet(scheduler, 'slow', true, [], true)
    const its = [...Array(40).keys()].filter(chunk => bringer(chunk, 'slow') === 'slow')
    let now = 0
    for (const chunk of chunksOf(scheduler.next(0).requests)) {
      now += 100
      scheduler.received('far', chunk, now)
    }
    assert.deepEqual(scheduler.next(now).requests, [], 'nothing is known of its pace yet')
    scheduler.peerHas('slow', its[0] as number, 4000)
    scheduler.next(4000)
    const left = its.slice(1)
    assert.equal(scheduler.stats.lapsed, 0)
    assert.equal(scheduler.inFlight, 1 + Math.floor(left.length / 2))
    scheduler.peerHas('slow', left.at(-1) as number, 4001)
    assert.equal(scheduler.next(4001).cancels.length, 1, 'the later half: the last one is on its way to us')
  })

  it('hands over at once what a peer that goes was to bring', () => {
    const scheduler = wanting(40, { windowBytes: 8 << 20 })
    meet(scheduler, 'far', false, 'all')
    meet(scheduler, 'near', true, [], true)
    const before = scheduler.next(0).requests.length
    scheduler.removePeer('near', 10)
    assert.equal(before + scheduler.next(10).requests.length, 40)
  })

  it('is fetched whole by one that is alone at its site, from all sources', () => {
    const scheduler = wanting(32)
    meet(scheduler, 'far', false, 'all', true)
    meet(scheduler, 'farther', false, 'all', true)
    const { requests } = scheduler.next(0)
    assert.equal(chunksOf(requests, 'far').length, 16)
    assert.equal(chunksOf(requests, 'farther').length, 16)
  })
})

describe('failures', () => {
  it('lead to another peer, and to no second try at the same for a while', () => {
    const scheduler = wanting(1, { failedPauseMs: 1000 })
    meet(scheduler, 'far', false, 'all')
    assert.equal(scheduler.next(0).requests.length, 1)
    scheduler.failed('far', 0, 10)
    assert.deepEqual(scheduler.next(10), { requests: [], cancels: [], wakeAt: 1010 })
    assert.deepEqual(scheduler.next(1010).requests, [{ peer: 'far', chunk: 0 }])
    scheduler.failed('far', 0, 1020)
    meet(scheduler, 'farther', false, 'all')
    assert.deepEqual(scheduler.next(1020).requests, [{ peer: 'farther', chunk: 0 }])
  })

  it('in a row let a local peer rest, and the uplink is used instead', () => {
    const scheduler = wanting(16)
    meet(scheduler, 'liar', true, 'all')
    meet(scheduler, 'far', false, 'all')
    const { requests } = scheduler.next(0)
    for (const chunk of chunksOf(requests).slice(0, 3)) scheduler.failed('liar', chunk, 5)
    assert.equal(chunksOf(scheduler.next(5).requests, 'far').length, 16)
  })

  it('come by themselves when a peer is silent, not when it is slow', () => {
    const scheduler = wanting(2)
    meet(scheduler, 'far', false, 'all')
    scheduler.next(0)
    scheduler.received('far', 0, 29_000)
    scheduler.next(31_000)
    assert.equal(scheduler.inFlight, 1, 'it answered two seconds ago')
    assert.deepEqual(scheduler.next(60_000).cancels, [{ peer: 'far', chunk: 1 }])
    assert.equal(scheduler.stats.failures, 1)
  })

  it('are not waited for at a local peer that stalls', () => {
    const scheduler = wanting(2)
    meet(scheduler, 'near', true, 'all')
    meet(scheduler, 'far', false, 'all')
    const { wakeAt } = scheduler.next(0)
    assert.ok(wakeAt !== undefined && wakeAt <= 5000)
    assert.equal(chunksOf(scheduler.next(5000).requests, 'far').length, 2)
  })
})

describe('the end-game', () => {
  it('asks a second local peer for the last chunks, and cancels the slower one', () => {
    const scheduler = wanting(2)
    meet(scheduler, 'a', true, 'all')
    meet(scheduler, 'b', true, 'all')
    const first = scheduler.next(0).requests
    const [fast, slow] = first as [Request, Request]
    assert.notEqual(fast.peer, slow.peer)
    scheduler.received(fast.peer, fast.chunk, 50)
    assert.deepEqual(scheduler.next(50).requests, [{ peer: fast.peer, chunk: slow.chunk }])
    const { duplicatesToCancel } = scheduler.received(fast.peer, slow.chunk, 60)
    assert.deepEqual(duplicatesToCancel, [slow])
    assert.equal(scheduler.remaining, 0)
    assert.deepEqual(scheduler.next(60), { requests: [], cancels: [], wakeAt: undefined })
  })

  it('never asks over the uplink for what a local peer is slow to give', () => {
    const scheduler = wanting(2)
    meet(scheduler, 'near', true, 'all')
    meet(scheduler, 'far', false, 'all')
    scheduler.next(0)
    assert.deepEqual(scheduler.next(4000).requests, [])
  })
})

describe('bounds', () => {
  it('unwanted chunks are cancelled and not asked for again', () => {
    const scheduler = wanting(2)
    meet(scheduler, 'a', true, 'all')
    scheduler.next(0)
    scheduler.unwant(1)
    assert.deepEqual(scheduler.next(1), { requests: [], cancels: [{ peer: 'a', chunk: 1 }], wakeAt: 2000 })
    assert.equal(scheduler.remaining, 1)
  })

  it('numbers beyond the closure are refused, strangers ignored, peers limited', () => {
    const scheduler = wanting(2, { maxPeers: 1 })
    meet(scheduler, 'a', true, [])
    meet(scheduler, 'b', true, 'all')
    assert.equal(scheduler.stats.peers, 1)
    assert.throws(() => scheduler.peerHas('a', 2, 0), RangeError)
    assert.throws(() => scheduler.want([-1]), RangeError)
    scheduler.received('stranger', 0, 0)
    assert.equal(scheduler.remaining, 1)
  })
})

describe('the budget of an uplink', () => {
  /** Peers whose IDs begin with `far` are behind the uplink. */
  function bounded(count: number, left: () => number) {
    const uplink = {
      least: 64 * kib,
      counts: (peer: string) => peer.startsWith('far'),
      left,
      wakeAt: (now: number) => now + 1000,
      spend: () => {},
    }
    const scheduler = new Scheduler({ self: 'us', lengths: new Uint32Array(count).fill(64 * kib), uplink })
    scheduler.want(Array(count).keys())
    return scheduler
  }

  it('bounds what is asked of peers behind it, with all that is in flight', () => {
    let left = 5 * 64 * kib
    const scheduler = bounded(40, () => left)
    meet(scheduler, 'far-1', false, 'all')
    meet(scheduler, 'far-2', false, 'all')
    assert.equal(scheduler.next(0).requests.length, 5)
    assert.deepEqual(scheduler.next(1).requests, [])
    left += 64 * kib
    assert.equal(scheduler.next(2).requests.length, 1)
  })

  it('is none for neighbours, nor for a laptop that is near', () => {
    const scheduler = bounded(8, () => 0)
    meet(scheduler, 'laptop', false, 'all')
    assert.equal(scheduler.next(0).requests.length, 8)
  })

  it('is no lack of sources: the pause has an end', () => {
    const scheduler = bounded(8, () => 0)
    meet(scheduler, 'far-1', false, 'all')
    const { requests, wakeAt } = scheduler.next(5)
    assert.deepEqual([requests, wakeAt, scheduler.pausedUntil], [[], 1005, 1005])
  })
})
