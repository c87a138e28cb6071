/** Tests of the signing side, and of what the trusted metadata says in the words of Thymesh. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { daysAfter, testClosure, testConfig, testFleet, testNow, testSigner } from '../../test/helpers/fleet.ts'
import { signedJson, signJson } from '../../test/helpers/metadata.ts'
import { publishRelease } from '../../test/helpers/publish-release.ts'
import { sha256, sha256Hex } from '../encoding/hash.ts'
import { revocationsCodec } from '../members/revocations.ts'
import { releaseCodec } from '../release/release.ts'
import { fleetFields, fleetIdOf, membersAuthority, namedRelease, namedRevocations } from './fleet.ts'
import { refresh } from './refresh.ts'
import { trustRoot } from './trusted-set.ts'

const content = { message: 'more', configs: {}, devices: {} }

describe('founding a fleet', () => {
  it('makes the same bytes of the same keys and time, and another fleet of others', () => {
    const { fleet } = testFleet()
    assert.equal(testFleet().fleet, fleet)
    assert.deepEqual(testFleet().published.trusted.timestamp?.bytes, testFleet().published.trusted.timestamp?.bytes)
    assert.notEqual(testFleet({ name: 'vineyard' }).fleet, fleet)
    assert.notEqual(testFleet({ now: new Date('2026-02-01T00:00:00Z') }).fleet, fleet)
  })

  it('names the fleet by the hash of its first root', () => {
    const { fleet, published } = testFleet()
    assert.equal(fleet, sha256Hex(published.trusted.root.bytes))
    assert.equal(fleet, fleetIdOf(published.trusted.root.bytes))
  })

  it('puts name, Nix keys and members key where they can be read', () => {
    const { published, keys } = testFleet()
    assert.deepEqual(fleetFields(published.trusted.root), { name: 'orchard', nixPublicKeys: ['orchard-1:AAAA'] })
    assert.deepEqual(membersAuthority(published.trusted), {
      keys: [new Uint8Array(keys.members.publicKey)],
      threshold: 1,
    })
  })

  it('gives an empty release and nobody revoked, named by hash', () => {
    const { fleet, published, document } = testFleet()
    const release = namedRelease(published.trusted)
    const revocations = namedRevocations(published.trusted)
    assert.ok(release && revocations)
    const releaseBytes = document(release.hash) ?? new Uint8Array()
    assert.equal(releaseBytes.length, release.length)
    assert.deepEqual(releaseCodec.decode(releaseBytes), published.release)
    assert.equal(published.release.version, release.version)
    const revocationBytes = document(revocations.hash) ?? new Uint8Array()
    assert.deepEqual(revocationsCodec.decode(revocationBytes), { v: 1, fleet, peers: [] })
  })

  it('refuses a name that is none', () => {
    const { keys, published } = testFleet()
    const root = trustRoot(
      signJson({ ...signedJson(published.trusted.root), thymesh: { name: 'A B' } }, keys.root),
    ).root
    assert.throws(() => fleetFields(root), withCode('malformed'))
    const { thymesh: _, ...unnamed } = signedJson(published.trusted.root)
    const bare = trustRoot(signJson(unnamed, keys.root)).root
    assert.throws(() => fleetFields(bare), withCode('malformed'))
  })
})

describe('publishing a release', () => {
  it('raises targets, snapshot and timestamp by one, and keeps members and delegations', async () => {
    const fleet = testFleet()
    const first = fleet.published.trusted
    const config = testConfig(testClosure('kiosk'))
    const { trusted, release, documents } = fleet.release({
      configs: { kiosk: config },
      devices: { 'kiosk-1': { config: 'kiosk' } },
    })
    assert.deepEqual([release.version, release.fleet], [2, fleet.fleet])
    const versions = [trusted.targets, trusted.snapshot, trusted.timestamp].map(role => role?.signed.version)
    assert.deepEqual(versions, [2, 2, 2])
    assert.deepEqual(trusted.delegated.members?.bytes, first.delegated.members?.bytes)
    assert.deepEqual(membersAuthority(trusted), membersAuthority(first))
    assert.deepEqual(namedRelease(trusted)?.hash, sha256(documents[0] ?? new Uint8Array()))
    const seen = await refresh(trustRoot(first.root.bytes), fleet.fetcher(), testNow)
    assert.deepEqual(namedRelease(seen), namedRelease(trusted))
  })

  it('renews the members metadata when half its time is over, and what it names stays', () => {
    const fleet = testFleet()
    const half = daysAfter(testNow, 200)
    const { trusted } = publishRelease(fleet.published.trusted, fleet.fleet, content, fleet.keys, half)
    const [before, after] = [fleet.published.trusted, trusted].map(set => set.delegated.members?.signed)
    assert.equal(after?.version, (before?.version ?? 0) + 1)
    assert.deepEqual(after?.targets, before?.targets)
    const { members: _, ...others } = fleet.keys
    const without = publishRelease(fleet.published.trusted, fleet.fleet, content, others, half)
    assert.equal(without.trusted.delegated.members?.signed.version, before?.version)
  })

  it('fails on the spot with a key that the root does not name', () => {
    const { published, fleet, keys } = testFleet()
    for (const role of ['targets', 'snapshot', 'timestamp'] as const) {
      const wrong = { ...keys, [role]: testSigner('stranger') }
      assert.throws(() => publishRelease(published.trusted, fleet, content, wrong, testNow), withCode('not-signed'))
    }
  })

  it('needs a complete set to build on', () => {
    const { published, fleet, keys } = testFleet()
    const bare = trustRoot(published.trusted.root.bytes)
    assert.throws(() => publishRelease(bare, fleet, content, keys, testNow), RangeError)
  })

  it('changes nothing of what it built on', () => {
    const { published, fleet, keys } = testFleet()
    const before = { ...published.trusted }
    publishRelease(published.trusted, fleet, content, keys, testNow)
    assert.deepEqual(published.trusted, before)
  })
})

describe('incomplete metadata', () => {
  it('says nothing of releases, and that it has no members', () => {
    const bare = trustRoot(testFleet().published.trusted.root.bytes)
    assert.equal(namedRelease(bare), undefined)
    assert.equal(namedRevocations(bare), undefined)
    assert.throws(() => membersAuthority(bare), withCode('incomplete'))
  })
})
