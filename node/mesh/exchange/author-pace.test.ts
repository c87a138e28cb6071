/** The pace of authors: what comes too early waits, and only the newest of it. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { paceCheckMs } from '../limits.ts'
import { AuthorPace } from './author-pace.ts'

it('takes a burst, then the newest at the pace of its author, and others at once', async t => {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'] })
  const rates = { peer: { most: 2, perSecond: 0.5 }, group: { most: 100, perSecond: 100 }, subjects: 10 }
  const pace = new AuthorPace({ ...rates, now: Date.now })
  const author = { peer: 'a', group: 'a' }
  assert.ok((await pace.turn(author, 1)) && (await pace.turn(author, 2)))
  const [early, newest, older] = [pace.turn(author, 3), pace.turn(author, 5), pace.turn(author, 4)]
  assert.deepEqual(await Promise.all([early, older]), [false, false])
  assert.ok(await pace.turn({ peer: 'b', group: 'b' }, 1))
  t.mock.timers.tick(2_000 + paceCheckMs)
  assert.equal(await newest, true)
  assert.ok(await pace.turn(author, 6))
  const last = pace.turn(author, 7)
  pace.stop()
  assert.equal(await last, false)
})
