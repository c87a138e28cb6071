/** Tests of one refresh: its fetches, the accepted state, and the state that stays after an error. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { withCode } from '../../test/helpers/errors.ts'
import { daysAfter, testFleet, testNow, testSigner } from '../../test/helpers/fleet.ts'
import { signedJson, signJson } from '../../test/helpers/metadata.ts'
import { sha256Hex } from '../encoding/hash.ts'
import { ThymeshError } from '../errors.ts'
import { lifetimes } from './publish.ts'
import { type MetadataFetcher, refresh } from './refresh.ts'
import { type TrustedSet, trustRoot } from './trusted-set.ts'

const fleet = testFleet()
const { keys, published: first } = fleet
const second = fleet.release({ message: 'the second' })
const start = trustRoot(first.trusted.root.bytes)

/** The fetcher, and what it was asked for. */
function watched(from: MetadataFetcher): { from: MetadataFetcher; asked: string[] } {
  const asked: string[] = []
  const noting = <T>(what: string, answer: T): T => {
    asked.push(what)
    return answer
  }
  return {
    asked,
    from: {
      root: version => noting(`root ${version}`, from.root(version)),
      timestamp: () => noting('timestamp', from.timestamp()),
      snapshot: meta => noting(`snapshot ${meta.version}`, from.snapshot(meta)),
      targets: (role, meta) => noting(`${role} ${meta.version}`, from.targets(role, meta)),
    },
  }
}

describe('refresh', () => {
  it('fetches all on a new peer, what changed after a release, and a timestamp when nothing did', async () => {
    const all = watched(fleet.fetcher(first))
    const set = await refresh(start, all.from, testNow)
    assert.deepEqual(all.asked, ['root 2', 'timestamp', 'snapshot 1', 'targets 1', 'members 1'])
    const changed = watched(fleet.fetcher(second))
    const next = await refresh(set, changed.from, testNow)
    assert.deepEqual(changed.asked, ['root 2', 'timestamp', 'snapshot 2', 'targets 2'])
    const nothing = watched(fleet.fetcher(second))
    assert.deepEqual(await refresh(next, nothing.from, testNow), next)
    assert.deepEqual(nothing.asked, ['root 2', 'timestamp'])
  })

  it('is all or nothing: a walk that failed leaves no mark on what was trusted', async () => {
    const set = await refresh(start, fleet.fetcher(first), testNow)
    const before = { ...set }
    const broken = { ...fleet.fetcher(second), targets: async () => Buffer.from('{}') }
    await assert.rejects(refresh(set, broken, testNow), withCode('wrong-hash'))
    assert.deepEqual(set, before)
    assert.equal((await refresh(set, fleet.fetcher(second), testNow)).targets?.signed.version, 2)
  })

  it('does not go back', async () => {
    const set = await refresh(start, fleet.fetcher(second), testNow)
    await assert.rejects(refresh(set, fleet.fetcher(first), testNow), withCode('rollback'))
  })

  it('does not mix: a source with parts of two publications is refused', async () => {
    const [old, now] = [fleet.fetcher(first), fleet.fetcher(second)]
    await assert.rejects(refresh(start, { ...now, snapshot: old.snapshot }, testNow), withCode('wrong-hash'))
    await assert.rejects(refresh(start, { ...now, targets: old.targets }, testNow), withCode('wrong-hash'))
    await assert.rejects(refresh(start, { ...old, targets: now.targets }, testNow), withCode('wrong-hash'))
  })

  it('takes nothing that is expired, and needs no time when there is none', async () => {
    const late = daysAfter(testNow, lifetimes.timestamp)
    await assert.rejects(refresh(start, fleet.fetcher(), late), withCode('expired'))
    assert.equal((await refresh(start, fleet.fetcher(), undefined)).targets?.signed.version, 2)
  })

  it('takes nothing of another fleet', async () => {
    const other = testFleet({ name: 'vineyard' })
    await assert.rejects(refresh(start, other.fetcher(), testNow), withCode('not-signed'))
  })

  it('hands on what the fetcher throws', async () => {
    const from = { ...fleet.fetcher(), timestamp: () => Promise.reject(new Error('no peer')) }
    await assert.rejects(refresh(start, from, testNow), /no peer/)
  })

  it('drops a role that is delegated no longer', async () => {
    const set = await refresh(start, fleet.fetcher(first), testNow)
    assert.deepEqual(Object.keys(set.delegated), ['members'])
    const { delegations: _, ...rest } = signedJson(required(second.trusted.targets))
    const from = publishedBy(signJson(rest, keys.targets))
    assert.deepEqual(Object.keys((await refresh(set, from, testNow)).delegated), [])
  })

  it('takes a role for one like any other whose name objects inherit', async () => {
    const json = signedJson(required(second.trusted.targets))
    const delegations = json.delegations as { keys: object; roles: object[] }
    const roles = [...delegations.roles, { ...delegations.roles[0], name: 'constructor' }]
    const members = required(second.trusted.delegated.members).bytes
    const from = publishedBy(signJson({ ...json, delegations: { ...delegations, roles } }, keys.targets), {
      'constructor.json': metaOf(members, 1),
    })
    const set = await refresh(start, { ...from, targets: roleOf(from, 'constructor', members) }, testNow)
    assert.deepEqual(Object.keys(set.delegated), ['members', 'constructor'])
  })

  it('throws a ThymeshError for any bytes of a source', async () => {
    const good = fleet.fetcher(second)
    const parts = ['root', 'timestamp', 'snapshot', 'targets'] as const
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...parts), fc.nat(), fc.nat({ max: 255 }), async (part, place, value) => {
        const spoilt = (bytes: Uint8Array | undefined) => {
          const copy = new Uint8Array(bytes ?? first.trusted.root.bytes)
          copy[place % copy.length] = value
          return copy
        }
        const from: MetadataFetcher = {
          ...good,
          ...(part === 'root' && { root: async version => spoilt(await good.root(version)) }),
          ...(part === 'timestamp' && { timestamp: async () => spoilt(await good.timestamp()) }),
          ...(part === 'snapshot' && { snapshot: async meta => spoilt(await good.snapshot(meta)) }),
          ...(part === 'targets' && { targets: async (role, meta) => spoilt(await good.targets(role, meta)) }),
        }
        const outcome: unknown = await refresh(start, from, testNow).catch((thrown: unknown) => thrown)
        assert.ok(outcome instanceof ThymeshError || (outcome as TrustedSet).targets?.signed.version === 2)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a stranger', () => {
  it('cannot have anything accepted, though he signs it all', async () => {
    const stranger = testSigner('stranger')
    const timestamp = signJson(signedJson(required(second.trusted.timestamp)), stranger)
    await assert.rejects(
      refresh(start, { ...fleet.fetcher(), timestamp: async () => timestamp }, testNow),
      withCode('not-signed'),
    )
  })
})

/** A source that serves these targets under a snapshot and a timestamp by the right keys. */
function publishedBy(targets: Uint8Array, more: Record<string, object> = {}): MetadataFetcher {
  const base = signedJson(required(second.trusted.snapshot))
  const meta = { ...(base.meta as object), 'targets.json': metaOf(targets, 2), ...more }
  const snapshot = signJson({ ...base, meta }, keys.snapshot)
  const timestamp = signJson(
    { ...signedJson(required(second.trusted.timestamp)), meta: { 'snapshot.json': metaOf(snapshot, 2) } },
    keys.timestamp,
  )
  const good = fleet.fetcher(second)
  return {
    ...good,
    timestamp: async () => timestamp,
    snapshot: async () => snapshot,
    targets: roleOf(good, 'targets', targets),
  }
}

function roleOf(from: MetadataFetcher, role: string, bytes: Uint8Array): MetadataFetcher['targets'] {
  return async (asked, meta) => (asked === role ? bytes : from.targets(asked, meta))
}

function metaOf(bytes: Uint8Array, version: number) {
  return { version, length: bytes.length, hashes: { sha256: sha256Hex(bytes) } }
}

function required<T>(value: T | undefined): T {
  assert.ok(value !== undefined)
  return value
}
