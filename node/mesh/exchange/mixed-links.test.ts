/** Tests of whom links go to. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mixedWith } from './mixed-links.ts'

const place = (site: string, group: string) => ({ site, group })

describe('the next link', () => {
  it('goes to another group and another site than all others, where there is one', () => {
    const [hostile, other, far] = [place('a', 'token'), place('a', 'x'), place('b', 'token')]
    // A token does not keep a peer from other sites, nor a site from other tokens.
    assert.deepEqual(mixedWith([hostile, hostile], [hostile, other, far]), [other, far])
    const best = place('b', 'x')
    assert.deepEqual(mixedWith([hostile, hostile], [hostile, other, far, best]), [best])
    assert.deepEqual(mixedWith([place('a', 'x'), place('a', 'y')], [hostile, other, far]), [far])
    assert.deepEqual(mixedWith([hostile, hostile], [hostile, far]), [far])
  })

  it('goes to anybody where the others differ, or where there is nobody else', () => {
    const free = [place('a', 'x'), place('b', 'y')]
    assert.deepEqual(mixedWith([], free), free)
    assert.deepEqual(mixedWith([place('a', 'x'), place('b', 'y')], free), free)
    assert.deepEqual(mixedWith([place('a', 'x')], [place('a', 'x')]), [place('a', 'x')])
  })
})
