/** Which chunks are asked for first: the rare ones, but none is left behind for ever. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LookAhead } from './look-ahead.ts'
import { RankSet } from './rank-set.ts'
import type { PeerState } from './scheduler-peer.ts'

const limits = { lookAheadChunks: 256, lookAheadBytes: 1 << 30, searchChunks: 1024 }
const count = 5_000

/** Asks one peer for everything; gives the order in which the chunks were asked for. */
function orderOf({ inOrder = false, copies = new Uint16Array(count).fill(1) } = {}): number[] {
  const open = new RankSet(count)
  for (let rank = 0; rank < count; rank++) open.toggle(rank, true)
  const chunkAt = Uint32Array.from({ length: count }, (_, rank) => rank)
  const lookAhead = new LookAhead({ open, chunkAt, lengths: new Uint32Array(count).fill(1), copies }, limits, 42)
  const peer = { canGive: () => true } as unknown as PeerState
  const order: number[] = []
  for (let asked = 0; asked < count; asked++) {
    lookAhead.refill(inOrder)
    const chunk = lookAhead.pick(peer)
    assert.ok(chunk !== undefined)
    open.toggle(chunk, false)
    order.push(chunk)
  }
  return order
}

describe('looking ahead', () => {
  it('leaves no chunk behind for longer than two looks', () => {
    for (const [at, chunk] of orderOf().entries())
      assert.ok(at - chunk <= 2 * limits.lookAheadChunks, `${chunk} at ${at}`)
  })

  it('keeps to the order when nobody else fetches', () => {
    assert.deepEqual(
      orderOf({ inOrder: true }),
      Array.from({ length: count }, (_, chunk) => chunk),
    )
  })

  it('takes the rare ones first', () => {
    const copies = new Uint16Array(count).fill(5)
    copies[200] = 1
    assert.equal(orderOf({ copies })[0], 200)
  })
})
