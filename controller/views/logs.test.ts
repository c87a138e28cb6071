/** Tests of a device's log as text: the device can't steer the operator's terminal, and its columns stay. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { logsText } from './logs.ts'

it('shows controls and direction overrides of a line as escapes, and keeps its tabs', () => {
  const lines = ['one\ttwo', '\x1b[2Jgone', 'a\u202e\rb']
  const text = logsText({ lines })
  assert.equal(text, 'one\ttwo\n\\x1b[2Jgone\na\\u202e\\x0db')
})
