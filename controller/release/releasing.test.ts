/** Tests of submitting: a release that is out is not called failed because more was published meanwhile. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { roleNames } from '../../protocol/trust/fleet.ts'
import { ProposalError } from '../../protocol/trust/proposals.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testFleet, testNow } from '../../test/helpers/fleet.ts'
import type { Session } from '../session/session.ts'
import { makeProposal, type Operator } from '../signing/proposing.ts'
import { submitProposal } from './releasing.ts'

const fleet = testFleet()
const signers = Object.fromEntries(roleNames.map(role => [role, [fleet.keys[role]]])) as never
const operator: Operator = { signers, now: testNow, trustClock: true }

/** A controller whose proposals, once it has published, are refused with this code. */
function sessionThat(code: 'stale' | 'malformed') {
  const { trusted, release } = fleet.published
  const accepted = { trusted, release, sites: new Map() }
  const said: string[] = []
  const peer = {
    fleet: fleet.fleet,
    state: { accepted, publish: async () => void said.push('published') },
    proposals: {
      all: [],
      add: async () => {
        said.push('told')
        throw new ProposalError(code, 'refused')
      },
    },
  }
  const session = { peer, audit: { noteProposal: async () => {} } } as unknown as Session
  const content = { message: 'next', configs: {}, devices: {} }
  const verified = makeProposal({ trusted, release, fleet: fleet.fleet }, { content, message: 'next' }, operator)
  return { said, submitted: submitProposal(session, verified, operator) }
}

describe('a release with all signatures', () => {
  it('is published, then told to other operators, and is out although their news made it stale', async () => {
    const { said, submitted } = sessionThat('stale')
    assert.equal((await submitted).kind, 'published')
    assert.deepEqual(said, ['published', 'told'])
  })

  it('tells of any other error', async () => {
    await assert.rejects(sessionThat('malformed').submitted, withCode('malformed'))
  })
})
