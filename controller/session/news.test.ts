/** News are waited for until they are there, and not where they were there before. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { nobodyInReach, takeNews } from './news.ts'
import type { Session } from './session.ts'

/** A session whose neighbours were synced with at that time; they tell what happens. */
function session(syncedAt: number | undefined, members: object[] = [{}]) {
  const neighbours = Object.assign(new EventEmitter(), { members, syncedAt })
  return { neighbours, session: { peer: { neighbours, directory: new EventEmitter() } } as unknown as Session }
}

describe('news', () => {
  it('are there already where a neighbour was synced with before they are asked for', async () => {
    const said: string[] = []
    await takeNews(session(Date.now() - 1000).session, text => said.push(text), 3600)
    assert.deepEqual(said, [])
  })

  it('are waited for until the first sync', async () => {
    const { neighbours, session: fresh } = session(undefined)
    let done = false
    const taken = takeNews(fresh, () => {}, 3600).then(() => {
      done = true
    })
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(done, false)
    neighbours.emit('synced', 'first')
    await taken
  })

  it('are given up at the limit, and where nobody is in reach that is said', async () => {
    const said: string[] = []
    await takeNews(session(undefined, []).session, text => said.push(text), 0.1)
    assert.deepEqual(said, [nobodyInReach])
  })
})
