/** Tests of messages in one line. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inOneLine } from './one-line.ts'

test('one line: the first, and with it the reason that it announces', () => {
  assert.equal(inOneLine('a path is damaged\nnobody has it'), 'a path is damaged')
  assert.equal(
    inOneLine('the switch ended with code 1:\nstarting\n  web.service failed\n'),
    'the switch ended with code 1: web.service failed',
  )
  assert.equal(inOneLine('alone:'), 'alone:')
  assert.equal(inOneLine(''), '')
})
