/** Tests of reading and writing trust metadata, and of what is asked of it beyond its form. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { withCode } from '../../test/helpers/errors.ts'
import { testFleet, testSigner } from '../../test/helpers/fleet.ts'
import { signedJson, signJson } from '../../test/helpers/metadata.ts'
import { limits } from '../limits.ts'
import { type Loaded, MetadataError, parseMetadata, type RoleKind } from './metadata.ts'

const { published, keys } = testFleet()
const { root, timestamp, snapshot, targets } = published.trusted as Required<typeof published.trusted>
const loaded = { root, timestamp, snapshot, targets } as { [Kind in RoleKind]: Loaded<Kind> }
const kinds = Object.keys(loaded) as RoleKind[]

/** Refused as the kind's metadata, with these of its fields changed, though signed by the right key. */
function refuses(kind: RoleKind, changes: object): void {
  const bytes = signJson({ ...signedJson(loaded[kind]), ...changes }, keys[kind])
  assert.throws(() => parseMetadata(kind, bytes), withCode('malformed'), `${kind}: ${JSON.stringify(changes)}`)
}

describe('trust metadata', () => {
  it('is TUF: canonical JSON, signed in hex', () => {
    for (const kind of kinds) {
      const json = JSON.parse(Buffer.from(loaded[kind].bytes).toString())
      assert.deepEqual(Buffer.from(signJson(json.signed, keys[kind])), Buffer.from(loaded[kind].bytes))
      assert.equal(json.signed._type, kind)
      assert.equal(json.signed.spec_version, '1.0.31')
    }
  })

  it('is not taken for another role', () => {
    for (const kind of kinds) {
      for (const other of kinds.filter(other => other !== kind)) {
        assert.throws(() => parseMetadata(other, loaded[kind].bytes), MetadataError)
      }
    }
  })

  it('is bounded', () => {
    for (const kind of kinds) {
      assert.throws(() => parseMetadata(kind, Buffer.alloc(limits[kind] + 1, ' ')), withCode('too-large'))
    }
    const many = Array.from({ length: limits.signatures + 1 }, (_, at) => testSigner(`signer ${at}`))
    assert.throws(() => parseMetadata('root', signJson(signedJson(root), ...many)), withCode('too-large'))
  })

  it('has whole versions from 1', () => {
    for (const kind of kinds) for (const version of [0, -1, 2 ** 53, '1', null]) refuses(kind, { version })
    refuses('timestamp', { meta: { 'snapshot.json': { version: 2 ** 53 } } })
    refuses('snapshot', { meta: { 'targets.json': { version: 0 } } })
  })

  it('expires at a real time', () => {
    for (const kind of kinds) {
      for (const expires of ['never', '', '2026-99-99T00:00:00Z', '2026-02-30T00:00:00Z', '2027-01-31', 1]) {
        refuses(kind, { expires })
      }
    }
  })

  it('names each key by its own hash', () => {
    const json = signedJson(root) as { keys: Record<string, object>; roles: Record<string, object> }
    const [key] = Object.values(json.keys)
    const wrong: Record<string, unknown>[] = [
      { ['0'.repeat(64)]: key },
      { alias: key },
      { [testSigner('x').keyId]: key },
      { [keys.root.keyId]: { ...key, keyval: { public: 'AB'.repeat(32) } } },
      { [keys.root.keyId]: { ...key, keyval: { public: 'ab'.repeat(31) } } },
      { [keys.root.keyId]: { ...key, keyval: { public: '-----BEGIN PUBLIC KEY-----' } } },
      { [keys.root.keyId]: { ...key, keyval: {} } },
      { [keys.root.keyId]: { ...key, keytype: 'rsa', scheme: 'rsassa-pss-sha256' } },
    ]
    for (const keysJson of wrong) {
      refuses('root', { keys: { ...json.keys, ...keysJson } })
      const delegations = signedJson(targets).delegations as { keys: object }
      refuses('targets', { delegations: { ...delegations, keys: { ...delegations.keys, ...keysJson } } })
    }
    refuses('root', { keys: { ...json.keys, constructor: key } })
  })

  it('has no role or signature under a name that objects inherit', () => {
    const delegations = signedJson(targets).delegations as { roles: object[] }
    for (const name of ['__proto__', '../root', 'Members', '', 'targets']) {
      refuses('targets', { delegations: { ...delegations, roles: [{ ...delegations.roles[0], name }] } })
    }
    for (const keyid of ['__proto__', 'constructor']) {
      const bytes = Buffer.from(JSON.stringify({ signatures: [{ keyid, sig: '' }], signed: signedJson(root) }))
      assert.throws(() => parseMetadata('root', bytes), withCode('malformed'))
    }
  })

  it('takes target paths that objects inherit for paths like any other', () => {
    const file = { length: 1, hashes: { sha256: '0'.repeat(64) } }
    const targetsJson = JSON.parse(`{"__proto__": ${JSON.stringify(file)}, "constructor": ${JSON.stringify(file)}}`)
    const bytes = signJson({ ...signedJson(targets), targets: targetsJson }, keys.targets)
    const read = parseMetadata('targets', bytes)
    assert.deepEqual(Object.keys(read.signed.targets), ['__proto__', 'constructor'])
    assert.equal(Object.getPrototypeOf(read.signed.targets), Object.prototype)
    assert.equal(({} as Record<string, unknown>).length, undefined)
  })

  it('has hashes in lowercase hex and whole lengths', () => {
    for (const sha256 of ['', 'ab', 'AB'.repeat(32), 'xy'.repeat(32)]) {
      refuses('targets', { targets: { release: { length: 1, hashes: { sha256 } } } })
      refuses('snapshot', { meta: { 'targets.json': { version: 1, hashes: { sha256 } } } })
      refuses('timestamp', { meta: { 'snapshot.json': { version: 1, hashes: { sha256 } } } })
    }
    refuses('targets', { targets: { release: { length: -1, hashes: {} } } })
    refuses('targets', { targets: { release: { length: 2 ** 53, hashes: {} } } })
  })

  it('is refused with a MetadataError, whatever the bytes', () => {
    const json = Buffer.from(root.bytes).toString()
    const texts = [
      json.slice(0, -1),
      `${json}x`,
      'null',
      '[]',
      '1',
      '{}',
      '{"signed":null}',
      '{"signed":{},"signatures":1}',
    ]
    for (const text of texts) assert.throws(() => parseMetadata('root', Buffer.from(text)), MetadataError, text)
    assert.throws(() => parseMetadata('root', Buffer.alloc(60_000, '[')), MetadataError)
    assert.throws(() => parseMetadata('root', Uint8Array.of(0xff, 0xfe)), MetadataError)
    for (const kind of kinds) {
      const value = fc.oneof(fc.jsonValue(), fc.uint8Array().map(String))
      const key = fc.constantFrom(...Object.keys(signedJson(loaded[kind])), '__proto__')
      fc.assert(
        fc.property(key, value, (changed, json) => {
          const text = JSON.stringify({ signatures: [], signed: { ...signedJson(loaded[kind]), [changed]: json } })
          try {
            parseMetadata(kind, Buffer.from(text))
          } catch (thrown) {
            assert.ok(thrown instanceof MetadataError, String(thrown))
          }
        }),
        { numRuns: 300 },
      )
    }
  })
})
