/** Tests of the accepted state: complete, on disk before it is announced, and unchanged by whatever does not fit. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { releaseTarget } from '../../protocol/trust/fleet.ts'
import { makeSnapshot, makeTargets, makeTimestamp, signMetadata } from '../../protocol/trust/metadata.ts'
import type { Published } from '../../protocol/trust/publish.ts'
import { fleetRules } from '../../protocol/trust/rules.ts'
import {
  type TrustedSet,
  updateDelegated,
  updateRoot,
  updateSnapshot,
  updateTargets,
  updateTimestamp,
} from '../../protocol/trust/trusted-set.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { daysAfter, testFleet, testNow, testSigner } from '../../test/helpers/fleet.ts'
import { testRoot } from '../../test/helpers/metadata.ts'
import { dump, testState } from '../../test/helpers/state.ts'
import { type DocumentFetcher, FleetState } from './fleet-state.ts'
import { nixKeysOf } from './releases.ts'

const fleet = testFleet()
const founded = fleet.published
const second = fleet.release({ message: 'second' })
const third = fleet.release({ message: 'third' })

const documents: DocumentFetcher = async ({ hash }) => fleet.document(hash) ?? new Uint8Array()

async function accepting(t: Parameters<typeof testState>[0], ...published: Published[]) {
  const kept = await testState(t, { now: daysAfter(testNow, 1) })
  const state = await FleetState.load(fleet.fleet, kept.database, kept.clock)
  for (const each of published) await state.accept(each.trusted, documents)
  return { ...kept, state }
}

/** Signed by all the right keys, but naming a release whose inside says something else. */
function naming(release: Uint8Array): TrustedSet {
  const { keys } = fleet
  const { trusted } = founded
  const expires = '2027-01-01T00:00:00Z'
  const delegations = trusted.targets?.signed.delegations?.toJSON()
  const members = trusted.delegated.members
  assert.ok(members)
  const target = makeTargets({
    version: 2,
    expires,
    targets: [{ path: releaseTarget, bytes: release }],
    ...{ delegations },
  })
  const targets = signMetadata('targets', target, [keys.targets])
  const roles = { ...trusted.delegated, targets, members }
  const snapshot = signMetadata('snapshot', makeSnapshot({ version: 2, expires, roles }), [keys.snapshot])
  const timestamp = signMetadata('timestamp', makeTimestamp({ version: 2, expires, snapshot }), [keys.timestamp])
  let set = updateTimestamp(trusted, timestamp.bytes, testNow)
  set = updateSnapshot(set, snapshot.bytes, testNow)
  set = updateTargets(set, targets.bytes, testNow)
  return updateDelegated(set, 'members', members.bytes, testNow)
}

describe('FleetState', () => {
  it('takes as many listeners as the daemon has parts, and Node warns of none', async t => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => void warnings.push(warning)
    process.on('warning', onWarning)
    t.after(() => process.off('warning', onWarning))
    const { state } = await accepting(t, founded)
    for (let part = 0; part < 20; part++) state.on('changed', () => {})
    await new Promise(setImmediate)
    assert.deepEqual(warnings, [])
  })

  it('knows nothing at first', async t => {
    const { state } = await accepting(t)
    assert.equal(state.accepted, undefined)
    assert.equal(state.head, undefined)
    assert.deepEqual(state.versions, { root: 0, timestamp: 0 })
  })

  it('accepts a complete set, announces it, and has it after a restart', async t => {
    const { state, database, clock } = await accepting(t, founded)
    const told: number[] = []
    state.on('changed', ({ release }) => told.push(release.version))
    await state.accept(second.trusted, documents)
    assert.deepEqual(told, [2])
    assert.deepEqual(state.versions, { root: 1, timestamp: 2 })
    const again = await FleetState.load(fleet.fleet, database, clock)
    assert.equal(again.accepted?.release.message, 'second')
    assert.deepEqual(again.head, state.head)
    assert.deepEqual(nixKeysOf(again.accepted, undefined), ['orchard-1:AAAA'])
    assert.deepEqual(await again.releaseVersions(), [1, 2])
    assert.equal((await again.release(1))?.message, 'the fleet was founded')
    assert.equal(await again.release(3), undefined)
  })

  it('decodes a release once, however many heads name it', async t => {
    const { state } = await accepting(t, second)
    const before = state.accepted?.release
    const { trusted } = fleet.revoke({ peers: [] })
    assert.equal((await state.accept({ ...trusted }, documents)).release.message, 'third')
    const third = state.accepted?.release
    assert.notEqual(third, before)
    await state.accept(fleet.revoke({ peers: [] }).trusted, documents)
    assert.equal(state.accepted?.release, third)
  })

  it('raises the time floor to when a release was made', async t => {
    const { own } = await accepting(t, founded)
    assert.deepEqual(await own.timeFloor(), testNow)
  })

  const refusals: [string, TrustedSet, DocumentFetcher, string][] = [
    ['a document with another hash', second.trusted, async () => Buffer.from('something else'), 'wrong-document'],
    [
      'a document of the named length with another hash',
      second.trusted,
      async ({ length }) => new Uint8Array(length),
      'wrong-document',
    ],
  ]
  const inside = (release: Uint8Array): [TrustedSet, DocumentFetcher] => [
    naming(release),
    async named => (Buffer.from(sha256(release)).equals(named.hash) ? release : documents(named)),
  ]
  const elsewhere = testFleet({ name: 'elsewhere' }).release()
  refusals.push(
    ["another fleet's release", ...inside(elsewhere.documents[0] ?? new Uint8Array()), 'wrong-release'],
    ['a release of another version', ...inside(third.documents[0] ?? new Uint8Array()), 'wrong-release'],
    ['a release that is none', ...inside(Buffer.from('no release')), 'malformed'],
  )
  for (const [what, trusted, fetch, code] of refusals) {
    it(`refuses ${what}, and nothing has changed`, async t => {
      const { state, database } = await accepting(t, founded)
      const before = await dump(database)
      let told = 0
      state.on('changed', () => told++)
      await assert.rejects(state.accept(trusted, fetch), withCode(code))
      assert.deepEqual(await dump(database), before)
      assert.equal(state.accepted?.release.version, 1)
      assert.equal(told, 0)
      await state.accept(second.trusted, documents)
    })
  }

  it('passes on why a document could not be fetched', async t => {
    const { state, database } = await accepting(t, founded)
    const before = await dump(database)
    const fetch = () => Promise.reject(new Error('nobody has it'))
    await assert.rejects(state.accept(second.trusted, fetch), /nobody has it/)
    assert.deepEqual(await dump(database), before)
  })

  it('refuses metadata that names no release', async t => {
    const { state } = await accepting(t)
    const { root } = founded.trusted
    await assert.rejects(
      state.accept({ rules: fleetRules, root, delegated: {} }, documents),
      withCode('wrong-document'),
    )
  })

  it('never goes back when an older set took longer to fetch', async t => {
    const { state, database } = await accepting(t, founded)
    const gate = Promise.withResolvers<void>()
    const slow = state.accept(second.trusted, async named => {
      await gate.promise
      return documents(named)
    })
    await state.accept(third.trusted, documents)
    const before = await dump(database)
    gate.resolve()
    await assert.rejects(slow, withCode('superseded'))
    assert.equal(state.accepted?.release.version, 3)
    assert.deepEqual(await dump(database), before)
  })

  it('starts without an accepted state when its documents are gone, and accepts again', async t => {
    const { database, clock } = await accepting(t, founded)
    const table = database.table('documents')
    for await (const [key] of table.entries()) await table.delete(key)
    const again = await FleetState.load(fleet.fleet, database, clock)
    assert.deepEqual(again.versions, { root: 1, timestamp: 0 })
    assert.equal(again.trusted?.timestamp?.signed.version, 1)
    await again.accept(founded.trusted, documents)
    assert.deepEqual(again.versions, { root: 1, timestamp: 1 })
  })

  it('goes on after a rotation that was cut off by a restart', async t => {
    const { state, database, clock } = await accepting(t, founded)
    const timestamp = [testSigner('new timestamp')]
    await state.keepRoot(updateRoot(founded.trusted, testRoot({ version: 2, roles: { timestamp } })))
    assert.deepEqual(state.versions, { root: 2, timestamp: 1 })
    const again = await FleetState.load(fleet.fleet, database, clock)
    assert.deepEqual(again.versions, { root: 2, timestamp: 1 })
    assert.equal(again.accepted?.release.version, 1)
    assert.equal(again.accepted?.trusted.root.signed.version, 1)
    assert.equal(again.trusted?.timestamp, undefined)
    // Metadata with signatures of the old keys only is not accepted any more.
    await assert.rejects(again.accept(second.trusted, documents), withCode('superseded'))
  })

  it('keeps no root twice', async t => {
    const { state, database } = await accepting(t, founded)
    const before = await dump(database)
    await state.keepRoot(founded.trusted)
    assert.deepEqual(await dump(database), before)
  })
})
