/** The order of lines of many devices. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { linesWith, mergedLines } from './log-lines.ts'

it('puts lines in the order of their times, and what goes on behind the line that it belongs to', () => {
  const one = { device: 'kiosk-1', lines: ['2026-01-31T13:02:14+0000 a', '  at b', '2026-01-31T14:02:20+0100 c'] }
  const other = { device: 'kiosk-2', lines: ['2026-01-31T13:02:11+0000 d', '2026-01-31T13:02:15+0000 e'] }
  assert.deepEqual(
    mergedLines([one, other]).map(line => `${line.slice(0, 7)} ${line.at(-1)}`),
    ['kiosk-2 d', 'kiosk-1 a', 'kiosk-1 b', 'kiosk-2 e', 'kiosk-1 c'],
  )
})

it('finds a text in any case of letters', () => {
  assert.deepEqual(linesWith(['An Error', 'fine'], 'ERROR'), ['An Error'])
  assert.deepEqual(linesWith(['An Error', 'fine'], undefined), ['An Error', 'fine'])
})
