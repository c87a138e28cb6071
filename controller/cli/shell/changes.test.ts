/** Waiting for changes whose time is over before it begins: no failure. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { EventLog } from '../../api/event-log.ts'
import { changesHere, changesThere } from './changes.ts'

it('a wait whose time is over ends at once, here and at another controller', async () => {
  const signal = AbortSignal.abort(new DOMException('over', 'TimeoutError'))
  await (await changesThere('/nowhere/control', signal)).next()
  const events = new EventLog()
  await changesHere(events, signal).next()
  assert.equal(events.listeners, 0)
})
