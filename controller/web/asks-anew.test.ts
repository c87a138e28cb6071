/** Which orders ask for the passphrase again, although the keys are open. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AccessGrant, withAccess } from '../../protocol/release/access.ts'
import { orders } from '../api/orders.ts'
import type { Session } from '../session/session.ts'
import { asksAnew } from './asks-anew.ts'

const grant = { id: 'ada', operator: 'ada', keys: [], devices: ['*'], users: ['root'], may: ['shell'] } as AccessGrant
const open = { extensions: withAccess(undefined, [grant]) }
const closed = { extensions: withAccess(undefined, []) }
const targets = (delegations: object) => ({ signed: { delegations: { toJSON: () => delegations } } })
const same = targets({ roles: ['members'] })
const north = { name: 'north' }

const all = [
  { id: 'root', parts: { root: {} }, proposal: {} },
  { id: 'same', parts: { targets: same }, proposal: {}, release: closed },
  { id: 'members', parts: { members: {} }, proposal: {} },
  { id: 'grants', parts: { targets: same }, proposal: {}, release: open },
  { id: 'site', parts: { targets: targets({ roles: ['members', 'north'] }) }, proposal: {}, release: closed },
  { id: 'north keeps', parts: { site: {} }, proposal: { site: north }, release: open },
  { id: 'north ends', parts: { site: {} }, proposal: { site: north }, release: closed },
]
const accepted = { trusted: { targets: same }, release: closed, sites: new Map([['north', open]]) }
const session = { peer: { proposals: { all }, state: { accepted } } } as unknown as Session
const asks = (order: string, options = {}) => asksAnew(session, order, options)

describe('the passphrase', () => {
  it('is asked for again by what changes who may sign, who is a member or who is let in or out, and by nothing else', () => {
    const asked = Object.keys(orders).filter(name => asks(name))
    const access = ['access-grant', 'access-revoke', 'replace', 'retire', 'revoke', 'revoke-token', 'adopt', 'renew']
    // A proposal that is not here, too.
    assert.deepEqual(asked.sort(), [...access, 'approve', 'change-root', 'change-site', 'sign-proposal'].sort())
    assert.ok(asks('token'))
  })

  it('is asked for again by the approval of signers, members, sites’ operators and grants, not of another release', () => {
    const asked = all.filter(({ id }) => asks('approve', { id })).map(({ id }) => id)
    assert.deepEqual(asked, ['root', 'members', 'grants', 'site', 'north ends'])
    assert.equal(asks('approve', { id: 'not here yet' }), true)
  })
})
