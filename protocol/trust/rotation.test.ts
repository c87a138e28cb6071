/** Tests of root rotation and of recovery from stolen keys. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { daysAfter, memoryFetcher, testFleet, testNow, testSigner } from '../../test/helpers/fleet.ts'
import { signedJson, signJson, testRoot } from '../../test/helpers/metadata.ts'
import { publishRelease } from '../../test/helpers/publish-release.ts'
import { limits } from '../limits.ts'
import { lifetimes } from './publish.ts'
import { refresh } from './refresh.ts'
import { requireFreshRoot, type TrustedSet, trustRoot, updateRoot } from './trusted-set.ts'

const fleet = testFleet()
const { keys } = fleet
const founded = fleet.published.trusted
const rootKeys = ['second', 'third', 'fourth'].map(word => testSigner(`${word} root`))
const [secondKey, thirdKey, fourthKey] = rootKeys as [ReturnType<typeof testSigner>, typeof keys.root, typeof keys.root]

/** Roots 1 to 4, each by a new key and signed by the old one, too. */
const roots = [
  founded.root.bytes,
  testRoot({ version: 2, roles: { root: [secondKey] }, signers: [keys.root, secondKey] }),
  testRoot({ version: 3, roles: { root: [thirdKey] }, signers: [secondKey, thirdKey] }),
  testRoot({ version: 4, roles: { root: [fourthKey] }, signers: [thirdKey, fourthKey] }),
] as const

const content = { message: 'after the rotation', configs: {}, devices: {} }

/** Notes the versions of roots as they are accepted. */
function rootsTo(kept: number[]) {
  return async (role: string, set: TrustedSet) => {
    if (role === 'root') kept.push(set.root.signed.version)
  }
}

describe('root rotation', () => {
  it('is by the old and the new keys', () => {
    assert.equal(updateRoot(founded, roots[1]).root.signed.version, 2)
    const roles = { root: [secondKey] }
    for (const signer of [keys.root, secondKey, testSigner('stranger')]) {
      const bytes = testRoot({ version: 2, roles, signers: [signer] })
      assert.throws(() => updateRoot(founded, bytes), withCode('not-signed'))
    }
  })

  it('is by the thresholds of both', () => {
    const pair = [keys.root, secondKey]
    const raised = { version: 2, roles: { root: pair }, threshold: 2 }
    assert.throws(() => updateRoot(founded, testRoot({ ...raised, signers: [keys.root] })), withCode('not-signed'))
    const two = updateRoot(founded, testRoot({ ...raised, signers: pair }))
    const lowered = { version: 3, roles: { root: [thirdKey] } }
    assert.throws(
      () => updateRoot(two, testRoot({ ...lowered, signers: [secondKey, thirdKey] })),
      withCode('not-signed'),
    )
    const all = testRoot({ ...lowered, signers: [...pair, thirdKey] })
    assert.equal(updateRoot(two, all).root.signed.version, 3)
  })

  it('goes one version at a time, and never back', () => {
    const skipping = testRoot({ version: 3, roles: { root: [secondKey] }, signers: [keys.root, secondKey] })
    assert.throws(() => updateRoot(founded, skipping), withCode('wrong-version'))
    assert.throws(() => updateRoot(founded, founded.root.bytes), withCode('wrong-version'))
    assert.throws(() => updateRoot(founded, roots[2]), withCode('not-signed'))
    const third = updateRoot(updateRoot(founded, roots[1]), roots[2])
    assert.throws(() => updateRoot(third, roots[1]), withCode('not-signed'))
  })

  it('is caught up with by a peer that slept through three of them', async () => {
    const kept: number[] = []
    const keep = rootsTo(kept)
    const set = await refresh(founded, memoryFetcher(fleet.published.trusted, roots), testNow, keep)
    assert.equal(set.root.signed.version, 4)
    assert.deepEqual(kept, [2, 3, 4])
    assert.deepEqual(set.targets, founded.targets)
  })

  it('keeps the roots that were good when a later one is not', async () => {
    const kept: number[] = []
    const keep = rootsTo(kept)
    const forged = testRoot({ version: 3, roles: { root: [thirdKey] }, signers: [thirdKey] })
    const from = memoryFetcher(fleet.published.trusted, [roots[0], roots[1], forged])
    await assert.rejects(refresh(founded, from, testNow, keep), withCode('not-signed'))
    assert.deepEqual(kept, [2])
  })

  it('walks over roots that have expired, not to one', async () => {
    const after = daysAfter(testNow, lifetimes.root)
    assert.throws(() => requireFreshRoot(founded, after), withCode('expired'))
    assert.doesNotThrow(() => requireFreshRoot(founded, new Date(after.getTime() - 1)))
    const renewed = testRoot({ version: 2, now: after })
    const { trusted } = publishRelease(updateRoot(founded, renewed), fleet.fleet, content, keys, testNow)
    const young = new Date(after.getTime() - 366 * 86_400_000)
    const from = memoryFetcher(trusted, [roots[0], renewed])
    assert.equal((await refresh(trustRoot(roots[0]), from, young)).root.signed.version, 2)
    await assert.rejects(refresh(trustRoot(roots[0]), memoryFetcher(trusted, [roots[0]]), after), withCode('expired'))
  })

  it('has an end', async () => {
    const endless = {
      ...memoryFetcher(founded),
      root: async (version: number) => signJson({ ...signedJson(founded.root), version }, keys.root),
    }
    let kept = 0
    const keep = async () => void kept++
    await assert.rejects(refresh(founded, endless, testNow, keep), withCode('wrong-version'))
    assert.equal(kept, limits.rootRotations)
  })
})

describe('recovery from a stolen key', () => {
  it('of the timestamp: its fast-forwarded version is forgotten with the key', async () => {
    const newKey = testSigner('new timestamp')
    const forged = signJson({ ...signedJson(required(founded.timestamp)), version: 2 ** 40 }, keys.timestamp)
    const attacked = await refresh(founded, { ...fleet.fetcher(), timestamp: async () => forged }, testNow)
    assert.equal(attacked.timestamp?.signed.version, 2 ** 40)

    const root = testRoot({ version: 2, roles: { timestamp: [newKey] } })
    const recovered = updateRoot(attacked, root)
    assert.equal(recovered.timestamp, undefined)
    assert.equal(recovered.snapshot, undefined)
    const renewed = publishRelease(
      updateRoot(founded, root),
      fleet.fleet,
      content,
      { ...keys, timestamp: newKey },
      testNow,
    )
    const set = await refresh(attacked, memoryFetcher(renewed.trusted, [roots[0], root]), testNow)
    assert.equal(set.timestamp?.signed.version, renewed.trusted.timestamp?.signed.version)
    assert.equal(set.targets?.signed.version, 2)
    // The old key's timestamps are worth nothing now.
    const stolen = { ...memoryFetcher(renewed.trusted, [roots[0], root]), timestamp: async () => forged }
    await assert.rejects(refresh(set, stolen, testNow), withCode('not-signed'))
  })

  it('of the snapshot: roles that it fast-forwarded may go back', async () => {
    const newKey = testSigner('new snapshot')
    const root = testRoot({ version: 2, roles: { snapshot: [newKey] } })
    assert.equal(updateRoot(founded, root).snapshot, undefined)
    assert.equal(updateRoot(founded, root).timestamp, undefined)
    const renewed = publishRelease(
      updateRoot(founded, root),
      fleet.fleet,
      content,
      { ...keys, snapshot: newKey },
      testNow,
    )
    const set = await refresh(founded, memoryFetcher(renewed.trusted, [roots[0], root]), testNow)
    assert.equal(set.targets?.signed.version, 2)
  })

  it('of the targets: what the old key signed is refused, though its version is the same', async () => {
    const newKey = testSigner('new targets')
    const root = testRoot({ version: 2, roles: { targets: [newKey] } })
    const all = [roots[0], root]
    await assert.rejects(refresh(founded, memoryFetcher(founded, all), testNow), withCode('not-signed'))
    // Until the new key has signed, a peer keeps what it knows of members, or it could not be brought the news.
    assert.deepEqual(updateRoot(founded, root).targets, founded.targets)
    const renewed = publishRelease(
      updateRoot(founded, root),
      fleet.fleet,
      content,
      { ...keys, targets: newKey },
      testNow,
    )
    const set = await refresh(founded, memoryFetcher(renewed.trusted, all), testNow)
    assert.equal(set.targets?.signed.version, 2)
  })

  it('leaves the rest in place when only root keys rotate', () => {
    const rotated = updateRoot(founded, roots[1])
    assert.equal(rotated.timestamp, founded.timestamp)
    assert.equal(rotated.snapshot, founded.snapshot)
  })
})

function required<T>(value: T | undefined): T {
  assert.ok(value !== undefined)
  return value
}
