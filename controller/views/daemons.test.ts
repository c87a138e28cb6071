/** How the daemons of a fleet are told. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { daemonsText } from './daemons.ts'

const row = (device: string, version: string, from: 'release' | 'package') => ({ device, daemon: { version, from } })

describe('the daemons of a fleet', () => {
  it('are not told where all are the same, or nobody says', () => {
    const silent = { device: 'old', daemon: null }
    assert.deepEqual(daemonsText([row('a', '0.1.0', 'package'), row('b', '0.1.0', 'package'), silent]), [])
  })

  it('are told where they differ, the few first, without a long list of names', () => {
    const many = ['b', 'c', 'd', 'e', 'f', 'g', 'h'].map(name => row(name, '0.1.0', 'package'))
    assert.deepEqual(daemonsText([...many, row('a', '0.2.0', 'release')]), [
      'Daemon 0.2.0, of the release: a',
      "Daemon 0.1.0, of the machine's package: b, c, d, e, f and 2 more",
    ])
  })
})
