/** Tests of the client workflow, below the root: signatures, rollback, mix-and-match, expiry. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { daysAfter, testFleet, testNow, testSigner } from '../../test/helpers/fleet.ts'
import { signedJson, signJson, testRoot } from '../../test/helpers/metadata.ts'
import { sha256Hex } from '../encoding/hash.ts'
import { lifetimes } from './publish.ts'
import {
  type TrustedSet,
  trustRoot,
  updateDelegated,
  updateSnapshot,
  updateTargets,
  updateTimestamp,
} from './trusted-set.ts'

const fleet = testFleet()
const { keys } = fleet
const first = fleet.published.trusted as Required<TrustedSet>
const second = fleet.release({ message: 'the second' }).trusted as Required<TrustedSet>
const third = fleet.release({ message: 'the third' }, daysAfter(testNow, 1)).trusted as Required<TrustedSet>
const stranger = testSigner('stranger')
const start = trustRoot(first.root.bytes)

/** Walks from what is trusted to all of what another set holds. */
function walk(from: TrustedSet, to: Required<TrustedSet>, time: Date | undefined = testNow): TrustedSet {
  let set = updateTimestamp(from, to.timestamp.bytes, time)
  set = updateSnapshot(set, to.snapshot.bytes, time)
  set = updateTargets(set, to.targets.bytes, time)
  return updateDelegated(set, 'members', to.delegated.members?.bytes ?? new Uint8Array(), time)
}

describe('trusted metadata', () => {
  it('goes from the first root to the newest release, and step by step', () => {
    assert.equal(walk(start, third).targets?.signed.version, 3)
    assert.equal(walk(walk(walk(start, first), second), third).targets?.signed.version, 3)
  })

  it('begins with a root that is signed by its own keys', () => {
    assert.throws(() => trustRoot(testRoot({ version: 1, signers: [stranger] })), withCode('not-signed'))
    assert.throws(() => trustRoot(signJson(signedJson(first.root))), withCode('not-signed'))
  })

  it('is taken in the order of the workflow', () => {
    assert.throws(() => updateSnapshot(start, first.snapshot.bytes, testNow), withCode('out-of-order'))
    assert.throws(() => updateTargets(start, first.targets.bytes, testNow), withCode('out-of-order'))
    assert.throws(() => updateDelegated(start, 'members', first.targets.bytes, testNow), withCode('out-of-order'))
    const done = walk(start, first)
    assert.throws(() => updateDelegated(done, 'sites', first.targets.bytes, testNow), withCode('unknown-role'))
  })

  it('is signed by the keys of its role, and by no stranger or other role', () => {
    for (const signer of [stranger, keys.root, keys.targets, keys.snapshot]) {
      const bytes = signJson(signedJson(first.timestamp), signer)
      assert.throws(() => updateTimestamp(start, bytes, testNow), withCode('not-signed'))
    }
    const named = updateTimestamp(start, timestampOf(signJson(signedJson(first.snapshot), stranger)), testNow)
    const snapshot = signJson(signedJson(first.snapshot), stranger)
    assert.throws(() => updateSnapshot(named, snapshot, testNow), withCode('not-signed'))
    const targets = signJson(signedJson(first.targets), stranger)
    assert.throws(() => updateTargets(snapshotNaming({ targets }), targets, testNow), withCode('not-signed'))
    const members = signJson(signedJson(first.delegated.members ?? first.targets), keys.targets)
    const set = updateTargets(snapshotNaming({ members }), first.targets.bytes, testNow)
    assert.throws(() => updateDelegated(set, 'members', members, testNow), withCode('not-signed'))
  })

  it('refuses a content that was changed after it was signed', () => {
    const text = Buffer.from(first.timestamp.bytes).toString().replace('2027-', '2037-')
    assert.throws(() => updateTimestamp(start, Buffer.from(text), testNow), withCode('not-signed'))
  })

  it('has as many signatures of different keys as the threshold asks for', () => {
    const other = testSigner('second root')
    const two = { version: 1, roles: { root: [keys.root, other] }, threshold: 2 }
    assert.equal(trustRoot(testRoot(two)).root.signed.version, 1)
    for (const signers of [[keys.root], [keys.root, keys.root], [keys.root, stranger]]) {
      assert.throws(() => trustRoot(testRoot({ ...two, signers })), withCode('not-signed'))
    }
  })

  it('does not count a key twice that goes by two IDs', () => {
    const json = signedJson(trustRoot(testRoot({ version: 1 })).root) as {
      keys: Record<string, object>
      roles: Record<string, object>
    }
    const alias = '0'.repeat(64)
    json.keys[alias] = json.keys[keys.root.keyId] ?? {}
    json.roles.root = { keyids: [keys.root.keyId, alias], threshold: 2 }
    const bytes = signJson(json, keys.root, { ...keys.root, keyId: alias })
    assert.throws(() => trustRoot(bytes), withCode('malformed'))
  })

  it('of another fleet is not taken', () => {
    const other = testFleet({ name: 'vineyard' }).published.trusted
    assert.throws(
      () => updateTimestamp(start, other.timestamp?.bytes ?? Buffer.alloc(0), testNow),
      withCode('not-signed'),
    )
  })
})

describe('rollback', () => {
  it('to an older timestamp is refused', () => {
    assert.throws(() => updateTimestamp(walk(start, second), first.timestamp.bytes, testNow), withCode('rollback'))
  })

  it('to an older snapshot is refused, under a newer timestamp too', () => {
    const set = walk(start, second)
    assert.throws(() => updateSnapshot(set, first.snapshot.bytes, testNow), withCode('wrong-hash'))
    assert.throws(() => updateTimestamp(set, timestampOf(first.snapshot.bytes, 9, 1), testNow), withCode('rollback'))
  })

  it('to older targets is refused, under a newer snapshot too', () => {
    const set = walk(start, second)
    assert.throws(() => updateTargets(set, first.targets.bytes, testNow), withCode('wrong-hash'))
    const snapshot = signJson({ ...signedJson(first.snapshot), version: 9 }, keys.snapshot)
    const named = updateTimestamp(set, timestampOf(snapshot, 9, 9), testNow)
    assert.throws(() => updateSnapshot(named, snapshot, testNow), withCode('rollback'))
  })

  it('by leaving a role out of the snapshot is refused', () => {
    const meta = signedJson(second.snapshot).meta as Record<string, unknown>
    for (const role of ['members.json', 'targets.json']) {
      const rest = Object.fromEntries(Object.entries(meta).filter(([name]) => name !== role))
      const snapshot = signJson({ ...signedJson(second.snapshot), version: 9, meta: rest }, keys.snapshot)
      const named = updateTimestamp(walk(start, second), timestampOf(snapshot, 9, 9), testNow)
      assert.throws(() => updateSnapshot(named, snapshot, testNow), withCode('rollback'))
    }
  })
})

describe('two documents of one version', () => {
  const set = walk(start, second)

  it('change nothing when they are the same', () => {
    assert.equal(updateTimestamp(set, second.timestamp.bytes, testNow), set)
    const signedAgain = Buffer.from(JSON.stringify(JSON.parse(Buffer.from(second.timestamp.bytes).toString()), null, 1))
    assert.equal(updateTimestamp(set, signedAgain, testNow), set)
  })

  it('are evidence of a stolen key: timestamps of another snapshot or another expiry', () => {
    const snapshot = signJson({ ...signedJson(second.snapshot), version: 9 }, keys.snapshot)
    const forged = timestampOf(snapshot, second.timestamp.signed.version, 9)
    assert.throws(() => updateTimestamp(set, forged, testNow), withCode('wrong-hash'))
    const longer = signJson({ ...signedJson(second.timestamp), expires: '2037-01-01T00:00:00Z' }, keys.timestamp)
    assert.throws(() => updateTimestamp(set, longer, testNow), withCode('wrong-hash'))
  })

  it('are evidence of a stolen key: snapshots, under a newer timestamp', () => {
    const snapshot = signJson({ ...signedJson(second.snapshot), expires: '2037-01-01T00:00:00Z' }, keys.snapshot)
    const forged = timestampOf(snapshot, 9, second.snapshot.signed.version)
    assert.throws(() => updateTimestamp(set, forged, testNow), withCode('wrong-hash'))
  })

  it('are not mixed: targets and members of another snapshot are refused', () => {
    const halfway = updateSnapshot(updateTimestamp(set, third.timestamp.bytes, testNow), third.snapshot.bytes, testNow)
    assert.throws(() => updateTargets(halfway, second.targets.bytes, testNow), withCode('wrong-hash'))
    assert.throws(() => updateTargets(set, third.targets.bytes, testNow), withCode('wrong-hash'))
    assert.throws(() => updateDelegated(set, 'members', third.targets.bytes, testNow), withCode('wrong-hash'))
  })

  it('have the version that they were named with', () => {
    const snapshot = timestampOf(first.snapshot.bytes, 1, 5)
    const named = updateTimestamp(start, snapshot, testNow)
    assert.throws(() => updateSnapshot(named, first.snapshot.bytes, testNow), withCode('wrong-version'))
  })
})

describe('expiry', () => {
  const expiry = daysAfter(testNow, lifetimes.timestamp)
  const before = new Date(expiry.getTime() - 1)

  it('is at the second that the metadata names, by the reference time', () => {
    assert.equal(walk(start, first, before).targets?.signed.version, 1)
    assert.throws(() => updateTimestamp(start, first.timestamp.bytes, expiry), withCode('expired'))
    const stamped = updateTimestamp(start, first.timestamp.bytes, before)
    assert.throws(() => updateSnapshot(stamped, first.snapshot.bytes, expiry), withCode('expired'))
    const named = updateSnapshot(stamped, first.snapshot.bytes, before)
    assert.throws(() => updateTargets(named, first.targets.bytes, expiry), withCode('expired'))
  })

  it('is not asked for where metadata is only loaded again', () => {
    assert.equal(walk(start, first, undefined).targets?.signed.version, 1)
  })

  it('does not fail to come when the time is no time', () => {
    assert.throws(() => updateTimestamp(start, first.timestamp.bytes, new Date(Number.NaN)), withCode('expired'))
  })
})

/** A timestamp by the right key that names this snapshot. */
function timestampOf(snapshot: Uint8Array, version = 1, snapshotVersion = 1): Uint8Array {
  return signJson(
    { ...signedJson(first.timestamp), version, meta: { 'snapshot.json': metaOf(snapshot, snapshotVersion) } },
    keys.timestamp,
  )
}

/** Trusted up to a snapshot by the right key that names these roles' bytes. */
function snapshotNaming(roles: Record<string, Uint8Array>): TrustedSet {
  const named = Object.entries(roles).map(([role, bytes]) => [`${role}.json`, metaOf(bytes, 1)])
  const meta = { ...(signedJson(first.snapshot).meta as object), ...Object.fromEntries(named) }
  const snapshot = signJson({ ...signedJson(first.snapshot), meta }, keys.snapshot)
  return updateSnapshot(updateTimestamp(start, timestampOf(snapshot), testNow), snapshot, testNow)
}

function metaOf(bytes: Uint8Array, version: number) {
  return { version, length: bytes.length, hashes: { sha256: sha256Hex(bytes) } }
}
