/** Tests of when proposals are passed on: a complete one whose release is on its way costs devices nothing. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { protocolNames } from '../../../protocol/messages/messages.ts'
import { signMetadata } from '../../../protocol/trust/metadata.ts'
import { makeStatement, type Proposal } from '../../../protocol/trust/proposal.ts'
import { createProposal } from '../../../protocol/trust/proposals.ts'
import { draftRelease } from '../../../protocol/trust/publish.ts'
import { testFleet, testNow } from '../../../test/helpers/fleet.ts'
import { memoryTable } from '../../../test/helpers/memory-table.ts'
import { testState } from '../../../test/helpers/state.ts'
import { makeLogger } from '../../process/log.ts'
import { FleetState } from '../../state/fleet-state.ts'
import { completeProposalMs } from '../limits.ts'
import { Proposals, type ProposalsComponents } from './proposals.ts'

/** Three devices and a controller are admitted; `asked` names those that an exchange was begun with. */
async function scene(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const fleet = testFleet()
  const { database, clock } = await testState(t)
  const state = await FleetState.load(fleet.fleet, database, clock)
  const document = async ({ hash }: { hash: Uint8Array }) => fleet.document(hash) ?? assert.fail()
  await state.accept(fleet.published.trusted, document)
  const asked = new Set<string>()
  const named = (name: string) => ({ toString: () => name }) as PeerId
  const members = ['office', 'pump', 'gate', 'mill'].map(name => ({
    peer: named(name),
    certificate: { role: name === 'office' ? 'controller' : 'device' },
  }))
  const connections = (peer: PeerId) => {
    asked.add(peer.toString())
    return []
  }
  const host = { peerId: named('self'), getConnections: connections, handle: async () => {}, unhandle: async () => {} }
  const proposals = new Proposals({
    host: host as unknown as ProposalsComponents['host'],
    names: protocolNames(fleet.fleet),
    admission: { members, gate: () => {}, on: () => {} } as unknown as ProposalsComponents['admission'],
    state,
    table: memoryTable(),
    peerScore: { allowRequest: () => true, penalize: () => {} },
    log: makeLogger('silent'),
  })
  await proposals.start()
  t.after(() => proposals.stop())
  const next = async () => await state.accept(fleet.release({ message: 'next' }).trusted, document)
  return { fleet, proposals, asked, next, proposal: proposalOf(fleet) }
}

/** A proposal that one signature completes. */
function proposalOf({ fleet, keys, published }: ReturnType<typeof testFleet>): Proposal {
  const { targets } = keys
  const draft = draftRelease(published.trusted, fleet, { message: '', configs: {}, devices: {} }, testNow)
  const created = '2026-01-31T12:00:00Z'
  const unsigned: Proposal = {
    ...{ v: 1, fleet, author: targets.keyId, operator: 'ada', created, message: '', statements: [] },
    targets: signMetadata('targets', draft.targets, []).bytes,
    documents: [draft.bytes],
  }
  const said = { fleet, operator: 'ada', verdict: 'proposed' as const, at: created, message: '' }
  const statement = (id: Uint8Array) => makeStatement({ ...said, proposal: id }, targets)
  return createProposal(unsigned, [targets], statement, published.trusted).proposal
}

describe('a proposal with all signatures', () => {
  it('is passed on by the peer that made it', async t => {
    const { proposals, asked, proposal } = await scene(t)
    assert.equal(await proposals.book.add(proposal), true)
    assert.deepEqual([...asked].toSorted(), ['gate', 'mill', 'office', 'pump'])
  })

  it('is passed on by another only if its release has not come meanwhile', async t => {
    const { proposals, asked, proposal } = await scene(t)
    assert.equal(await proposals.book.add(proposal, { received: true }), true)
    t.mock.timers.tick(completeProposalMs - 1)
    assert.deepEqual([...asked], [])
    t.mock.timers.tick(1)
    assert.deepEqual([...asked].toSorted(), ['gate', 'mill', 'office', 'pump'])
  })

  it('goes to controllers and one device when its release is here', async t => {
    const { proposals, asked, proposal, next } = await scene(t)
    assert.equal(await proposals.book.add(proposal, { received: true }), true)
    await next()
    // After all that the acceptance has started.
    await proposals.book.remove('nothing')
    assert.equal(proposals.book.hashes.length, 1)
    t.mock.timers.tick(completeProposalMs)
    assert.deepEqual([asked.size, asked.has('office')], [2, true])
  })

  it('is passed on by nobody who has stopped', async t => {
    const { proposals, asked, proposal } = await scene(t)
    await proposals.book.add(proposal, { received: true })
    await proposals.stop()
    t.mock.timers.tick(completeProposalMs)
    assert.deepEqual([...asked], [])
  })
})
