/** Tests of what a device says anew. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ReportedTurn } from '../../protocol/report/report.ts'
import { gossipedMembers } from '../mesh/limits.ts'
import { saysMore } from './says-more.ts'

const turn = (reason: string, wave = 2): ReportedTurn => ({ release: 3, wave, is: 'waiting', reason })
const told = { turn: turn('wave 1 has 0 of 9 confirmed'), running: 'a' }
const large = gossipedMembers + 1

describe('a report', () => {
  it('says more if anything is new, but for the wording of a wait in a large fleet', () => {
    const next = { ...told, turn: turn('wave 1 has 3 of 9 confirmed') }
    assert.equal(saysMore(told, told, 2), false)
    assert.equal(saysMore(next, told, gossipedMembers), true)
    assert.equal(saysMore(next, told, large), false)
    assert.equal(saysMore({ ...next, running: 'b' }, told, large), true)
    assert.equal(saysMore({ ...told, turn: turn('', 3) }, told, large), true)
    assert.equal(saysMore<Partial<typeof told>>({ running: 'a' }, told, large), true)
  })
})
