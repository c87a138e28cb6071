/** Tests of a fetch's text: it states no more than is known. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fetchInWords, stateInShort } from './fetching.ts'

const update = {
  release: 3,
  milliseconds: 2100,
  paths: 4,
  pathsDone: 1,
  needed: 5_000_000,
  fromStore: 0,
  fromControllers: 0,
  fromNeighbours: 2_000_000,
  fromElsewhere: 0,
  wire: 800_000,
  bytesPerSecond: 25_000,
  secondsLeft: 120,
}
const { secondsLeft, ...unknown } = update
const now = Date.parse('2026-01-31T12:00:00Z')
const short = (
  changes: object,
  lastSeen: string | null = '2026-01-31T11:59:58Z',
  state: 'fetching' | 'running' = 'fetching',
) => stateInShort({ state, lastSeen, update: { ...update, ...changes } }, now)

describe('a fetch in short', () => {
  it('is its share, rate and time left', () => {
    assert.equal(short({}), 'fetching 40%, 25.0 kB/s, 2 min left')
  })

  it('leaves out what the device does not know', () => {
    assert.equal(
      stateInShort({ state: 'fetching', lastSeen: '2026-01-31T12:00:00Z', update: unknown }, now),
      'fetching 40%, 25.0 kB/s',
    )
    assert.equal(short({ bytesPerSecond: 0 }), 'fetching 40%')
    assert.equal(stateInShort({ state: 'fetching', lastSeen: null, update: null }, now), 'fetching')
  })

  it('says nothing of pace by a report that is old, or of a device whose clock is wrong', () => {
    for (const lastSeen of ['2026-01-31T11:57:00Z', '2026-01-31T13:00:00Z', null]) {
      assert.equal(short({}, lastSeen), 'fetching 40%')
    }
  })

  it('has no time left when all has come and is being imported', () => {
    assert.equal(short({ fromNeighbours: 5_000_000 }), 'fetching 99%')
  })

  it('is the state of a device that fetches nothing', () => {
    assert.equal(short({}, undefined, 'running'), 'running')
  })
})

describe('a fetch in full', () => {
  it('says what came, from where, how fast, and how long it takes', () => {
    const all = 'fetching 2.0 MB of 5.0 MB, 1 of 4 paths, 2.0 MB from neighbours'
    assert.equal(fetchInWords(update), `${all}, 25.0 kB/s, 2 min left`)
    assert.equal(fetchInWords({ ...unknown, bytesPerSecond: 0 }), all)
  })
})
