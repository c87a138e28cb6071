/** Tests of the proposals that a peer keeps: bounded for each author, merged, kept over a restart, gone when outdated. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { signMetadata } from '../../protocol/trust/metadata.ts'
import { makeStatement, type Proposal, proposalCodec } from '../../protocol/trust/proposal.ts'
import { createProposal } from '../../protocol/trust/proposals.ts'
import { draftRelease } from '../../protocol/trust/publish.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testFleet, testNow } from '../../test/helpers/fleet.ts'
import { memoryTable } from '../../test/helpers/memory-table.ts'
import { publishRelease } from '../../test/helpers/publish-release.ts'
import { testState } from '../../test/helpers/state.ts'
import { makeLogger } from '../process/log.ts'
import { FleetState } from './fleet-state.ts'
import { ProposalBook } from './proposal-book.ts'

const fleet = testFleet()
const { targets } = fleet.keys

/** A proposal of the next release, made at some second. */
function proposalAt(second: number, signer = targets): Proposal {
  const { trusted } = fleet.published
  const created = `2026-01-31T12:00:${String(second).padStart(2, '0')}Z`
  const draft = draftRelease(trusted, fleet.fleet, { message: created, configs: {}, devices: {} }, testNow)
  const unsigned: Proposal = {
    v: 1,
    fleet: fleet.fleet,
    author: targets.keyId,
    operator: 'ada',
    created,
    message: created,
    targets: signMetadata('targets', draft.targets, []).bytes,
    documents: [draft.bytes],
    statements: [],
  }
  const said = { fleet: fleet.fleet, operator: 'ada', verdict: 'proposed' as const, at: created, message: '' }
  return createProposal(unsigned, [signer], id => makeStatement({ ...said, proposal: id }, signer), trusted).proposal
}

async function bookOf(t: Parameters<typeof testState>[0], table = memoryTable()) {
  const { database, clock } = await testState(t)
  const state = await FleetState.load(fleet.fleet, database, clock)
  await state.accept(
    fleet.history[0]?.trusted ?? assert.fail(),
    async ({ hash }) => fleet.document(hash) ?? assert.fail(),
  )
  const book = new ProposalBook({ state, table, log: makeLogger('silent') })
  await book.load()
  return { book, state, table }
}

describe('the proposals of a peer', () => {
  it('are taken once, and are there after a restart', async t => {
    const { book, table } = await bookOf(t)
    const received: boolean[] = []
    book.on('changed', (_, from) => received.push(from.received))
    assert.equal(await book.add(proposalAt(1)), true)
    assert.equal(await book.add(proposalAt(1)), false)
    assert.equal(await book.add(proposalAt(2), { received: true }), true)
    assert.deepEqual(received, [false, true])
    const again = await bookOf(t, table)
    assert.deepEqual(again.book.hashes.toSorted(Buffer.compare), book.hashes.toSorted(Buffer.compare))
    assert.deepEqual(again.book.without(book.hashes), [])
  })

  it("are the newest few of each author's: one stolen key fills no disk", async t => {
    const { book } = await bookOf(t)
    for (let second = 0; second < 12; second++) await book.add(proposalAt(second))
    assert.equal(book.all.length, limits.proposalsPerAuthor)
    assert.equal(book.all[0]?.proposal.message, '2026-01-31T12:00:08Z')
    assert.equal(await book.add(proposalAt(1)), false)
  })

  it('are passed on for a while when they are closed, for the log of who was away', async t => {
    const [{ book, state }, away] = [await bookOf(t), await bookOf(t)]
    await book.add(proposalAt(1))
    const next = fleet.history.at(-1)?.trusted ?? assert.fail()
    const published = publishRelease(
      next,
      fleet.fleet,
      { message: 'it', configs: {}, devices: {} },
      fleet.keys,
      testNow,
    )
    const document = async ({ hash }: { hash: Uint8Array }) =>
      published.documents.find(each => Buffer.from(sha256(each)).equals(hash)) ?? fleet.document(hash) ?? assert.fail()
    for (const { state: each } of [{ state }, away]) await each.accept(published.trusted, document)
    const heard: string[] = []
    away.book.on('closed', ({ proposal }) => heard.push(proposal.message))
    const [bytes] = book.without(away.book.hashes)
    assert.equal(await away.book.add(proposalCodec.decode(bytes ?? new Uint8Array())), false)
    assert.deepEqual([heard.length, away.book.all.length], [1, 0])
    assert.deepEqual(book.without(away.book.hashes), [])
  })

  it('are gone when another release of that version is accepted', async t => {
    const { book, state, table } = await bookOf(t)
    const proposal = proposalAt(1)
    await book.add(proposal)
    const next = fleet.release({ message: 'another one' })
    await state.accept(next.trusted, async ({ hash }) => fleet.document(hash) ?? assert.fail())
    // After all that the acceptance has started.
    assert.equal(await book.add(proposal), false)
    assert.deepEqual(book.all, [])
    const after = fleet.release({ message: 'and one more' })
    await state.accept(after.trusted, async ({ hash }) => fleet.document(hash) ?? assert.fail())
    await assert.rejects(book.add(proposal), withCode('stale'))
    for await (const [id] of table.entries()) assert.fail(`expected nothing, got ${id}`)
  })

  it('are sent once to who has newer metadata, and again to who lacks metadata', async t => {
    const { book, state } = await bookOf(t)
    const [proposal, hash] = [proposalAt(3), sha256(proposalCodec.encode(proposalAt(3)))]
    const document = async ({ hash: of }: { hash: Uint8Array }) => fleet.document(of) ?? assert.fail()
    for (const message of ['one', 'two']) await state.accept(fleet.release({ message }).trusted, document)
    assert.deepEqual(book.known, [])
    await assert.rejects(book.add(proposal), withCode('stale'))
    assert.deepEqual([book.known, book.hashes], [[hash], []])
    const behind = await bookOf(t)
    await assert.rejects(behind.book.add(proposalAt(5)), withCode('ahead'))
    assert.deepEqual(behind.book.known, [])
  })
})
