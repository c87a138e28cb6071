/** Extensions of releases: in the metadata that names the document, under its signatures. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { sampleExtensions } from '../../test/helpers/extended-fixtures.ts'
import { testFleet } from '../../test/helpers/fleet.ts'
import { signedJson, signJson } from '../../test/helpers/metadata.ts'
import { releaseCodec } from '../release/release.ts'
import { releaseTarget } from './fleet.ts'
import { type Loaded, parseMetadata } from './metadata.ts'
import { extensionsIn } from './release-extensions.ts'

const fleet = testFleet()
const extensions = { values: sampleExtensions, critical: ['budget'] }

function targetsOf(content: Parameters<typeof fleet.release>[0] = {}): Loaded<'targets'> {
  const { targets } = fleet.release(content).trusted
  assert.ok(targets)
  return targets
}

/** Targets with this under `custom.thymesh`, signed as by the fleet. */
function targetsWith(thymesh: unknown): Loaded<'targets'> {
  const signed = signedJson(targetsOf()) as { targets: Record<string, object> }
  const changed = { ...signed, targets: { release: { ...signed.targets.release, custom: { thymesh } } } }
  return parseMetadata('targets', signJson(changed, fleet.keys.targets))
}

describe("a release's extensions", () => {
  it('are read as they were written, and leave the document of version 1 as it is', () => {
    const published = fleet.release({ extensions })
    assert.ok(published.trusted.targets)
    assert.deepEqual(extensionsIn(published.trusted.targets, releaseTarget), extensions)
    assert.deepEqual(published.release.extensions, extensions)
    const { extensions: _, ...document } = published.release
    assert.deepEqual(releaseCodec.decode(published.documents[0] ?? new Uint8Array()), document)
  })

  it('are absent in version 1, which is written whenever it says all', () => {
    assert.equal(extensionsIn(targetsOf(), releaseTarget), undefined)
    const plain = targetsOf()
    const none = targetsOf({ extensions: { values: {}, critical: [] } })
    assert.deepEqual(Object.keys(signedJson(none).targets as object), Object.keys(signedJson(plain).targets as object))
    assert.deepEqual(none.signed.targets.release?.unrecognizedFields, {})
  })

  it('are refused where the critical ones are not there, twice or unsorted', () => {
    const values = { a: 1, b: 2 }
    for (const critical of [['c'], ['a', 'a'], ['b', 'a'], 'a']) {
      const targets = targetsWith({ v: 2, extensions: values, critical })
      assert.throws(() => extensionsIn(targets, releaseTarget), withCode('malformed'), String(critical))
    }
    const targets = targetsWith({ v: 2, extensions: values, critical: ['a', 'b'] })
    assert.deepEqual(extensionsIn(targets, releaseTarget)?.critical, ['a', 'b'])
  })

  it('are refused in another version and with other fields', () => {
    for (const thymesh of [null, [], 'x', {}, { v: 3, extensions: { a: 1 }, critical: [] }]) {
      assert.throws(() => extensionsIn(targetsWith(thymesh), releaseTarget), withCode('malformed'))
    }
  })

  it('are refused with all metadata that has a number with a fraction, signed or beside it', () => {
    const bytes = Buffer.from(targetsOf().bytes).toString()
    for (const twisted of [
      bytes.replace('{', '{"extra":-1.5,'),
      bytes.replace('"signed":{', '"signed":{"extra":0.5,'),
    ]) {
      assert.throws(() => parseMetadata('targets', Buffer.from(twisted)), withCode('malformed'))
    }
  })

  it('are refused in metadata that says one name twice', () => {
    const bytes = Buffer.from(targetsWith({ v: 2, extensions: { note: 'true' }, critical: [] }).bytes).toString()
    const twice = bytes.replace('{"note":"true"}', '{"note":"false","note":"true"}')
    const targets = parseMetadata('targets', Buffer.from(twice))
    assert.throws(() => extensionsIn(targets, releaseTarget), withCode('malformed'))
  })
})
