/** Tests of a peer's own holdings: they follow its directory. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { it } from 'node:test'
import { memberKey } from './holdings.ts'
import { OwnHoldings } from './own-holdings.ts'

const issued = '2026-01-31T12:00:00Z'

/** A directory of certificates without reports. */
function following(...members: string[]) {
  const known = new Set(members)
  const directory = Object.assign(new EventEmitter(), {
    members: () => [...known].map(peer => ({ peer, issued })),
    member: (peer: string) => (known.has(peer) ? { peer, issued } : undefined),
  })
  const own = new OwnHoldings({ state: { head: undefined }, directory: directory as never })
  own.start()
  const holds = (peer: string) => own.holdings.find(memberKey(peer)) === peer
  return { own, known, directory, holds }
}

it('holdings follow members that come and go', () => {
  const { own, known, directory, holds } = following('one')
  assert.ok(holds('one'))
  known.add('two')
  directory.emit('certificate', { peer: 'two' })
  known.delete('one')
  directory.emit('forgotten', 'one')
  assert.deepEqual([holds('one'), holds('two')], [false, true])
  own.stop()
  assert.deepEqual(directory.eventNames(), [])
})

it('holdings keep a member that came back before it was told that it had gone', () => {
  const { known, directory, holds } = following('one')
  known.delete('one')
  known.add('one')
  directory.emit('certificate', { peer: 'one' })
  directory.emit('forgotten', 'one')
  assert.ok(holds('one'))
})
