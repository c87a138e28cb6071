/** Tests of tables and of the words in them. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testStorePath } from '../../test/helpers/fleet.ts'
import { ago, shortPath, size, table } from './table.ts'

describe('tables', () => {
  it('pad columns to the widest cell and no line at its end', () => {
    assert.equal(
      table(
        ['DEVICE', 'STATE'],
        [
          ['a', 'running'],
          ['kiosk-10', 'failed'],
        ],
      ),
      'DEVICE    STATE\na         running\nkiosk-10  failed',
    )
    assert.equal(table(['A', 'B'], []), 'A  B')
  })

  it('name store paths by the start of their hash', () => {
    const path = testStorePath('web')
    assert.equal(shortPath(path), `${path.slice(11, 18)}…-web`)
    assert.equal(shortPath(null), '-')
  })

  it('say how much bytes are', () => {
    const cases: [number, string][] = [
      [0, '0 B'],
      [999, '999 B'],
      [22_872, '22.9 kB'],
      [999_949, '999.9 kB'],
      [999_960, '1.0 MB'],
      [314_596_024, '314.6 MB'],
      [2.4e9, '2.4 GB'],
      [5e15, '5000.0 TB'],
    ]
    for (const [bytes, words] of cases) assert.equal(size(bytes), words)
  })

  it('say how long ago a time was, and nothing of one that nobody knows', () => {
    const now = Date.parse('2026-01-31T12:00:00Z')
    const cases: [string | null, string][] = [
      ['2026-01-31T11:59:30Z', '30 s ago'],
      ['2026-01-31T11:40:00Z', '20 min ago'],
      ['2026-01-30T12:00:00Z', '24 h ago'],
      ['2025-10-31T12:00:00Z', '92 days ago'],
      // A device whose clock is fast.
      ['2026-01-31T12:00:10Z', '0 s ago'],
      [null, '-'],
      ['nonsense', '-'],
    ]
    for (const [time, words] of cases) assert.equal(ago(time, now), words)
  })
})
