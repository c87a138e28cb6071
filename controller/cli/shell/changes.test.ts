/** Tests of waiting for a change: it is told once, also if it came before; a limit of time ends a wait and loses none. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Changes } from './changes.ts'

describe('changes', () => {
  it('are told when they come, and when they have come since the last call', async () => {
    const changes = new Changes(new AbortController().signal)
    const next = changes.next()
    changes.tell()
    await next
    changes.tell()
    await changes.next()
  })

  it('are waited for no longer than asked, and the next one is told all the same', async () => {
    const changes = new Changes(new AbortController().signal)
    await changes.next(1)
    const next = changes.next()
    changes.tell()
    await next
  })

  it('end with the signal, and fail where nobody tells any more', async () => {
    const leave = new AbortController()
    const changes = new Changes(leave.signal)
    const next = changes.next()
    leave.abort()
    await next
    const lost = new Changes(new AbortController().signal)
    lost.fail(new Error('gone'))
    await assert.rejects(lost.next(10_000), /gone/)
  })
})
