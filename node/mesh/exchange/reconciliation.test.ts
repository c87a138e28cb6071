/** Tests of the comparison by ranges: it finds every difference, in few bytes and turns, and no lie makes it endless. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limits } from '../../../protocol/limits.ts'
import { rangesCodec } from '../../../protocol/messages/ranges.ts'
import { Random } from '../../../test/attack/fuzz/random.ts'
import { withCode } from '../../../test/helpers/errors.ts'
import { Holdings, memberKey, rankNumber } from './holdings.ts'
import { Reconciliation, shortPrints } from './reconciliation.ts'

type Known = Map<string, readonly [rank: number, counter: number]>

const rank = rankNumber({ issued: '2026-01-31T12:00:00Z' })

function holdingsOf(known: Known): Holdings {
  const holdings = new Holdings()
  for (const [peer, [rank, counter]] of known) holdings.set(peer, rank, counter)
  return holdings
}

const fleetOf = (size: number, counter = 1): Known =>
  new Map(Array.from({ length: size }, (_, at) => [`peer ${at}`, [rank, counter]]))

/** Both sides compare, by the bytes of the real messages. */
function compare(one: Known, other: Known, { long = false } = {}) {
  const [ofOne, ofOther] = [holdingsOf(one), holdingsOf(other)]
  const prints = long ? undefined : shortPrints(ofOne.printOfAll, ofOther.printOfAll)
  const [a, b] = [new Reconciliation(ofOne, prints), new Reconciliation(ofOther, prints)]
  let bytes = 0
  let turns = 0
  if (!Buffer.from(ofOne.printOfAll).equals(ofOther.printOfAll)) {
    let said: ReturnType<Reconciliation['answer']> = a.begin()
    for (let next = b; said !== undefined; next = next === b ? a : b) {
      const encoded = rangesCodec.encode(said)
      bytes += encoded.length
      turns++
      said = next.answer(rangesCodec.decode(encoded))
    }
  }
  return { a, b, bytes, turns }
}

/** What one lacks of the other, worked out the simple way. */
function lackingOf(has: Known, lacks: Known) {
  const found = new Map()
  for (const [peer, [rank, counter]] of has) {
    const known = lacks.get(peer)
    const item = { certificate: known === undefined || known[0] < rank, report: counter > (known?.[1] ?? 0) }
    if (item.certificate || item.report) found.set(peer, item)
  }
  return found
}

const sorted = (map: ReadonlyMap<string, unknown>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1))

function assertFound(one: Known, other: Known, manner: { long?: boolean } = {}): ReturnType<typeof compare> {
  const found = compare(one, other, manner)
  assert.deepEqual(sorted(found.a.lacking), sorted(lackingOf(one, other)))
  assert.deepEqual(sorted(found.b.lacking), sorted(lackingOf(other, one)))
  return found
}

describe('a comparison by ranges', () => {
  it('finds every difference between two peers, whatever they know', () => {
    const random = new Random(19)
    for (let run = 0; run < 300; run++) {
      const size = random.pick([0, 1, 2, 12, 13, 40, 300])
      const [one, other]: [Known, Known] = [new Map(), new Map()]
      const often = 1 + random.below(6)
      for (const [peer] of fleetOf(size)) {
        for (const side of [one, other]) {
          if (!random.once(often + 5)) side.set(peer, [rank + random.below(2), random.below(3)])
        }
        if (!random.once(often)) other.set(peer, one.get(peer) ?? [rank, 1])
      }
      assertFound(one, other, { long: random.once(2) })
    }
  })

  it('makes fingerprints of ranges that say nothing of another comparison', () => {
    const holdings = holdingsOf(fleetOf(1000))
    const said = (asking: number, asked: number) => {
      const prints = shortPrints(new Uint8Array(16).fill(asking), new Uint8Array(16).fill(asked))
      return new Reconciliation(holdings, prints).begin().ranges.map(([, print]) => Buffer.from(print as Uint8Array))
    }
    const prints = [said(1, 2), said(2, 1), said(1, 3)].flat()
    assert.ok(prints.every(({ length }) => length === 8))
    assert.equal(new Set(prints.map(each => each.toString('hex'))).size, prints.length)
  })

  it('costs little where little differs', () => {
    const [one, other] = [fleetOf(10_000), fleetOf(10_000)]
    assert.equal(assertFound(one, other).bytes, 0)
    other.set('peer 77', [rank, 2])
    const { bytes } = assertFound(one, other)
    assert.ok(bytes < 600, `${bytes} bytes`)
    for (let at = 0; at < 100; at++) other.set(`peer ${99 * at}`, [rank, 3])
    assert.ok(assertFound(one, other).bytes < 70_000)
  })

  it('comes to an end where all differs, in messages of bounded size', () => {
    const { turns, bytes } = assertFound(fleetOf(10_000), fleetOf(10_000, 2))
    assert.ok(turns <= limits.rangeTurns / 2, `${turns} turns`)
    assert.ok(bytes < 1_000_000, `${bytes} bytes`)
    assertFound(new Map(), fleetOf(10_000))
    assertFound(fleetOf(10_000), new Map())
  })

  it('orders certificates as their text does', () => {
    const byMembers = rankNumber({ issued: '1970-01-01T00:00:00Z' })
    const byToken = rankNumber({ issued: '9999-12-31T23:59:59Z', grant: new Uint8Array(1) })
    assert.ok(byToken < byMembers)
    assert.ok(rankNumber({ issued: '2026-01-31T12:00:01Z' }) > rank)
  })

  it('sends what it has to who claims to have nothing, and asks for what it hears of, once', () => {
    const known = fleetOf(5)
    const side = new Reconciliation(holdingsOf(known))
    const stranger = memberKey('stranger')
    const reply = side.answer({ ranges: [[new Uint8Array(), [[stranger, rank, 3]]]], wants: [] })
    assert.deepEqual(reply, { ranges: [], wants: [[stranger, 3]] })
    assert.equal(side.lacking.size, 5)
    // What it doesn't have it can't give.
    assert.equal(side.answer({ ranges: [], wants: [[stranger, 3]] }), undefined)
    assert.equal(side.lacking.size, 5)
  })

  it('refuses ranges that overlap, and a side that never ends', () => {
    const side = new Reconciliation(holdingsOf(fleetOf(100)))
    const [one, two] = [Uint8Array.of(1), Uint8Array.of(2)]
    const print = new Uint8Array(16)
    for (const bounds of [
      [two, one],
      [one, one],
      [new Uint8Array(), one],
    ]) {
      const ranges = bounds.map((bound): [Uint8Array, Uint8Array] => [bound, print])
      assert.throws(() => side.answer({ ranges, wants: [] }), withCode('malformed'))
    }
    const forever = () => {
      for (let turn = 0; turn <= limits.rangeTurns; turn++)
        side.answer({ ranges: [[new Uint8Array(), print]], wants: [] })
    }
    assert.throws(forever, withCode('malformed'))
  })

  it('stays within a message, however much it is asked', () => {
    const side = new Reconciliation(holdingsOf(fleetOf(10_000)))
    const ranges = Array.from({ length: 2900 }, (_, at): [Uint8Array, Uint8Array] => [
      Uint8Array.of(at >> 8, at & 255, 1),
      new Uint8Array(16),
    ])
    const reply = side.answer(rangesCodec.decode(rangesCodec.encode({ ranges, wants: [] })))
    assert.ok(reply !== undefined && rangesCodec.encode(reply).length <= limits.rangesMessage)
  })
})

describe('holdings', () => {
  it('are the same, whatever the order of their changes', () => {
    const known = fleetOf(500)
    const one = holdingsOf(known)
    const other = holdingsOf(new Map([...known].reverse()))
    other.set('leaving', rank, 5)
    other.set('peer 3', rank, 9)
    other.set('peer 3', rank, 1)
    other.delete('leaving')
    other.delete('never there')
    assert.deepEqual(other.printOfAll, one.printOfAll)
    assert.equal(one.find(memberKey('peer 3')), 'peer 3')
    assert.equal(one.find(memberKey('leaving')), undefined)
  })
})
