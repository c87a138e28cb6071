/** Known answers: named in queries while they are fresh, bounded, and compared with those of others. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { discoveredPeers } from '../limits.ts'
import { KnownAnswers, pointerTtl } from './known-answers.ts'
import { mdnsKnownAnswers } from './limits.ts'

describe('known answers', () => {
  it('are named until half of their TTL is over', () => {
    let now = 0
    const known = new KnownAnswers(() => now)
    known.heard('a')
    assert.deepEqual(known.current, [{ instance: 'a', ttl: pointerTtl }])
    now = 1000 * (pointerTtl / 2 - 1)
    known.heard('b')
    assert.deepEqual(known.current, [
      { instance: 'b', ttl: pointerTtl },
      { instance: 'a', ttl: pointerTtl / 2 + 1 },
    ])
    now = 1000 * (pointerTtl / 2)
    assert.deepEqual(
      known.current.map(({ instance }) => instance),
      ['b'],
    )
  })

  it('make another query superfluous if that one names no more than we know', () => {
    const known = new KnownAnswers()
    assert.ok(known.hasAll([]))
    known.heard('a')
    assert.ok(known.hasAll([{ instance: 'a', ttl: 1 }]))
    assert.ok(
      !known.hasAll([
        { instance: 'a', ttl: 1 },
        { instance: 'b', ttl: pointerTtl },
      ]),
    )
  })

  it('stay within their bounds', () => {
    const known = new KnownAnswers()
    for (let each = 0; each < 10 * discoveredPeers; each++) known.heard(`instance-${each}`)
    assert.equal(known.current.length, mdnsKnownAnswers)
    assert.ok(!known.hasAll([{ instance: 'instance-0', ttl: pointerTtl }]))
  })
})
