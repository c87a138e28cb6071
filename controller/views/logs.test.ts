/** Tests of a device's log as text: the device can't steer the operator's terminal, and its columns stay. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { logsText, searchedText } from './logs.ts'

it('shows controls and direction overrides of a line as escapes, and keeps its tabs', () => {
  const lines = ['one\ttwo', '\x1b[2Jgone', 'a\u202e\rb']
  const text = logsText({ lines })
  assert.equal(text, 'one\ttwo\n\\x1b[2Jgone\na\\u202e\\x0db')
})

it('puts the lines of many devices in the order of their times, and says who was not read', () => {
  const read = { state: 'read' as const, reason: null, cut: false }
  const text = searchedText({
    devices: [
      { ...read, device: 'hall', lines: ['2026-06-01T12:00:05+0000 hall web[1]: late', '  goes on', '-- Boot 1 --'] },
      { ...read, device: 'gate', cut: true, lines: ['2026-06-01T13:00:01+0100 gate web[1]: \x1b[2Jearly'] },
      { ...read, device: 'calm', lines: [] },
      { ...read, device: 'away', state: 'unreached', reason: "away isn't in reach", lines: [] },
    ],
  })
  assert.deepEqual(text.split('\n'), [
    'gate: 2026-06-01T13:00:01+0100 gate web[1]: \\x1b[2Jearly',
    'hall: 2026-06-01T12:00:05+0000 hall web[1]: late',
    'hall:   goes on',
    'hall: -- Boot 1 --',
    '',
    'NOT READ  REASON',
    "away      away isn't in reach",
    'Searched in the newest lines only, of gate: name a --unit or a later --since.',
    '4 lines on 2 of 3 devices that were read; 1 not read.',
  ])
})
