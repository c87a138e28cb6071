/** Tests of sharded releases: split, found, put together, and refused where a shard isn't what the manifest says. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode } from '@ipld/dag-cbor'
import { withCode } from '../../test/helpers/errors.ts'
import { joinSplit, sampleName, shardedSample } from '../../test/helpers/sharded.ts'
import { sha256, sha256Hex } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { mayName, readManifest, readShard, requireWhole } from './join-shards.ts'
import { type Release, releaseCodec, wantedConfig } from './release.ts'
import {
  namedShards,
  neededShards,
  placedEntries,
  type Shard,
  type ShardManifest,
  shardCodec,
  shardManifestCodec,
} from './shards.ts'
import { splitRelease } from './split-release.ts'
import { wavesOf } from './waves.ts'

const rollout = { waves: [{ count: 3 }, { percent: 20 }], soakSeconds: 60 }
const whole: Release = { ...shardedSample(200), rollout }
/** Five devices a shard or so. */
const split = splitRelease(whole, 800)
const [manifestBytes = new Uint8Array()] = split.documents
const manifest = readManifest(split.plain, manifestBytes)

describe('a sharded release', () => {
  it('says as a whole what it said before', () => {
    const { sharded, ...joined } = joinSplit(split)
    assert.deepEqual(joined, whole)
    assert.deepEqual(sharded?.missing, [])
    assert.deepEqual(releaseCodec.decode(releaseCodec.encode(documentOf(split.plain))).devices, {})
    assert.deepEqual(split.plain.extensions?.critical, ['shards'])
    requireWhole(joinSplit(split))
  })

  it('has the waves that its content had', () => {
    assert.deepEqual(wavesOf(joinSplit(split)), wavesOf(whole))
  })

  it('is split alike whenever its content is the same, also in a later version that promotes it', () => {
    assert.deepEqual(splitRelease(whole, 800).documents, split.documents)
    const later = splitRelease({ ...joinSplit(split), version: 3, promotes: { release: 2 } }, 800)
    assert.deepEqual(later.documents, split.documents)
  })

  it('gives a device its entry by at most one shard of each wave', () => {
    const self = sampleName(77)
    const part = joinSplit(split, { all: false, devices: [self] })
    const needed = neededShards(placedEntries(manifest), { all: false, devices: [self] })
    assert.ok(needed.length <= 3 && needed.length > 0, `${needed.length}`)
    assert.deepEqual(wantedConfig(part, self), wantedConfig(whole, self))
    assert.deepEqual(part.extensions?.critical, ['binding'])
    const waves = (release: Release) => wavesOf(release).find(({ devices }) => devices.includes(self))?.number
    assert.equal(waves(part), waves(whole))
    assert.equal(mayName(part, self), false)
    assert.equal(mayName(part, 'gate-1'), false, 'before the first name')
    assert.equal(mayName(part, sampleName(150)), true, 'its shard is not here')
    assert.throws(() => requireWhole(part), withCode('shards-missing'))
  })

  it('gives the shards of a site and of waves that somebody waits for', () => {
    const first = neededShards(placedEntries(manifest), { all: false, devices: [], waves: { from: 1, to: 1 } })
    assert.deepEqual(
      first.map(({ wave }) => wave),
      first.map(() => 1),
    )
    assert.equal(
      first.reduce((sum, { entry }) => sum + entry.devices, 0),
      3,
    )
    const site = Array.from({ length: 20 }, (_, at) => sampleName(40 + at))
    const part = joinSplit(split, { all: false, devices: site })
    assert.deepEqual(
      site.filter(name => wantedConfig(part, name) === undefined),
      [],
    )
  })

  it('keeps configs of their own with their devices', () => {
    const own = { ...shardedSample(30, { own: true }) }
    const made = splitRelease(own, 2000)
    const part = joinSplit(made, { all: false, devices: [sampleName(4)] })
    assert.ok(Object.keys(part.configs).length < 30)
    assert.ok(Object.hasOwn(part.configs, `${sampleName(4)}-config`))
    const { sharded: _, ...joined } = joinSplit(made)
    assert.deepEqual(joined, own)
  })
})

describe('at 50,000 devices, a release', () => {
  it('with a config each is split, and one device reads a thousandth of it', () => {
    const large = { ...shardedSample(limits.members, { own: true }), rollout }
    const made = splitRelease(large)
    assert.ok(made.documents.length - 1 <= limits.releaseShards / 2, `${made.documents.length} documents`)
    assert.ok(made.documents.every(({ length }) => length <= 64 * 1024 || length === made.documents[0]?.length))
    assert.ok((made.documents[0]?.length ?? 0) < 100_000, 'the manifest is small')
    releaseCodec.encode(documentOf(made.plain))
    const self = sampleName(31_415)
    const part = joinSplit(made, { all: false, devices: [self] })
    assert.deepEqual(wantedConfig(part, self), wantedConfig(large, self))
    assert.ok(Object.keys(part.devices).length < 500)
    assert.throws(() => splitRelease(shardedSample(limits.members + 1)), withCode('too-large'))
  })
})

describe('shards', () => {
  const [place] = placedEntries(manifest)
  const [, bytes = new Uint8Array()] = split.documents
  assert.ok(place)
  const honest = shardCodec.decode(bytes)
  /** A shard that its manifest names, whatever is in it. */
  const signed = (shard: object, entry: object = {}) => {
    const changed = encode(shard)
    return () =>
      readShard(
        split.plain,
        { wave: place.wave, entry: { ...place.entry, hash: sha256(changed), size: changed.length, ...entry } },
        changed,
      )
  }
  const firstOf = ({ devices }: Shard) => Object.keys(devices).sort()[0] ?? ''

  it('are refused where another document comes in their place', () => {
    assert.throws(() => readShard(split.plain, place, split.documents[2] ?? bytes), withCode('wrong-shard'))
    assert.throws(() => readShard(split.plain, place, bytes.subarray(1)), withCode('wrong-shard'))
  })

  it('are refused with entries of devices, waves or fleets that do not belong there', () => {
    assert.deepEqual(signed(honest)(), honest)
    const stranger = { ...honest.devices, 'zoo-1': { config: 'kiosk' } }
    assert.throws(signed({ ...honest, devices: stranger }), withCode('wrong-shard', /4, kiosk-\d+ to zoo-1/))
    assert.throws(signed({ ...honest, wave: 2 }), withCode('wrong-shard'))
    assert.throws(signed({ ...honest, fleet: '0'.repeat(64) }), withCode('wrong-shard'))
    const { [firstOf(honest)]: _, ...fewer } = honest.devices
    assert.throws(signed({ ...honest, devices: fewer }), withCode('wrong-shard'))
  })

  it('are refused with configs that no device has, without one that a device has, and with extensions of others', () => {
    const more = { ...honest.configs, other: honest.configs.kiosk }
    assert.throws(signed({ ...honest, configs: more }), withCode('malformed'))
    assert.throws(signed({ ...honest, configs: {} }), withCode('malformed'))
    for (const value of [{ other: ['x'] }, 'kiosk', ['kiosk']]) {
      assert.throws(signed({ ...honest, extensions: { binding: value } }), withCode('malformed'))
    }
  })

  it('are refused if they are too large', () => {
    const devices = Object.fromEntries(
      Array.from({ length: 9000 }, (_, at) => [`${sampleName(at)}-${'x'.repeat(50)}`, { config: 'kiosk' }]),
    )
    assert.throws(signed({ ...honest, devices }), withCode('too-large'))
    const secrets = Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`${at}-${'x'.repeat(200)}`, ['x']]))
    const extensions = { values: { binding: { kiosk: secrets } }, critical: [] }
    assert.throws(() => splitRelease({ ...whole, extensions } as unknown as Release), withCode('too-large'))
  })

  it('of one release never name a device twice, nor differ about a config', () => {
    // Both are signed: only who may sign the release can make them.
    const twice = remade(documents => {
      const shards = documents.map(each => shardCodec.decode(each))
      const [first, ...others] = shards
      const name = first && firstOf(first)
      const other = others.find(
        ({ wave, devices }) => wave === 3 && (Object.keys(devices).sort()[0] ?? '') < (name ?? ''),
      )
      return shards.map(shard =>
        shard === other && first && name
          ? { ...shard, devices: { ...shard.devices, [name]: { config: 'kiosk' } } }
          : shard,
      )
    })
    assert.throws(() => joinSplit(twice), withCode('duplicate-device'))
    const differing = remade(documents =>
      documents
        .map(each => shardCodec.decode(each))
        .map((shard, at) => (at === 1 ? { ...shard, extensions: { binding: { kiosk: ['other-1:AAAA'] } } } : shard)),
    )
    assert.throws(() => joinSplit(differing), withCode('wrong-shard', /config kiosk/))
  })

  /** The release with other shards, signed as they are. */
  function remade(change: (documents: readonly Uint8Array[]) => readonly Shard[]) {
    const shards = change(split.documents.slice(1))
    const made = shards.map(shard => shardCodec.encode(shard))
    const waves = manifest.waves.map((_, wave) =>
      made.flatMap((document, at) => {
        const shard = shards[at]
        if (shard === undefined || shard.wave !== wave + 1) return []
        const names = Object.keys(shard.devices).sort()
        const [first = '', last = first] = [names[0], names.at(-1)]
        return [{ first, last, devices: names.length, hash: sha256(document), size: document.length }]
      }),
    )
    const again = encode({ ...manifest, waves })
    const devices = shards.reduce((sum, shard) => sum + Object.keys(shard.devices).length, 0)
    const named = { ...namedShards(split.plain), document: sha256Hex(again), devices, critical: ['binding'] }
    const extensions = { values: { shards: named }, critical: ['shards'] }
    return { plain: { ...split.plain, extensions }, documents: [again, ...made] }
  }
})

describe('a manifest', () => {
  const [wave = []] = manifest.waves
  const [entry] = wave
  assert.ok(entry)
  const of = (waves: unknown, more: object = {}) => encode({ v: 1, fleet: manifest.fleet, waves, ...more })
  const refused = (bytes: Uint8Array, code = 'malformed') =>
    assert.throws(() => shardManifestCodec.decode(bytes), withCode(code))

  it('is refused without shards, with too many, or too large', () => {
    refused(of([]))
    refused(of([[], []]))
    const many = Array.from({ length: limits.releaseShards + 1 }, (_, at) => {
      const name = sampleName(at)
      return { ...entry, first: name, last: name, devices: 1 }
    })
    refused(of([many]))
    refused(of([many.slice(2000), many.slice(0, 2001)]))
    refused(of(Array.from({ length: limits.waves + 2 }, () => wave)))
    refused(new Uint8Array(limits.shardManifest + 1), 'too-large')
  })

  it('is refused when it claims 2^31 shards or devices that are not there', () => {
    // The head of a list of 2^31 items, in place of that of the waves.
    const bytes = Buffer.from(of([]))
    const at = bytes.indexOf(Buffer.from('waves')) + 5
    assert.equal(bytes[at], 0x80)
    refused(Buffer.concat([bytes.subarray(0, at), Buffer.from([0x9a, 0x80, 0, 0, 0]), bytes.subarray(at + 1)]))
    refused(of([[{ ...entry, first: 'a', last: 'b', devices: 2 ** 31 }]]))
    refused(of([[{ ...entry, first: 'a', last: 'b', devices: limits.members }], [entry]]))
  })

  it('is refused with ranges that overlap, are upside down or out of order', () => {
    const at = (first: string, last: string) => ({ ...entry, first, last, devices: 2 })
    shardManifestCodec.decode(of([[at('a', 'b'), at('d', 'f')], [at('a', 'e')]]))
    refused(of([[at('a', 'c'), at('c', 'd')]]))
    refused(of([[at('c', 'd'), at('a', 'b')]]))
    refused(of([[at('b', 'a')]]))
    refused(of([[at('a', 'a')]]))
    refused(of([[{ ...at('a', 'b'), devices: 1 }]]))
  })

  it('is refused if the release does not name it, or names other devices or another fleet', () => {
    const read = (bytes: Uint8Array, more: object = {}) => {
      const named = { document: sha256Hex(bytes), devices: 200, critical: [], ...more }
      return () =>
        readManifest({ ...split.plain, extensions: { values: { shards: named }, critical: ['shards'] } }, bytes)
    }
    read(manifestBytes)()
    assert.throws(read(manifestBytes, { devices: 199 }), withCode('wrong-manifest'))
    assert.throws(read(manifestBytes, { document: '0'.repeat(64) }), withCode('wrong-manifest'))
    assert.throws(read(manifestBytes, { more: 1 }), withCode('wrong-manifest'))
    const other = shardManifestCodec.encode({ ...manifest, fleet: '0'.repeat(64) } satisfies ShardManifest)
    assert.throws(read(other), withCode('wrong-manifest'))
  })
})

/** The release without what is signed beside its document. */
function documentOf({ extensions: _, ...document }: Release): Release {
  return document
}
