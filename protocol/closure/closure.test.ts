/** Tests of closure descriptors. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode } from '@ipld/dag-cbor'
import { withCode } from '../../test/helpers/errors.ts'
import { testClosure, testStorePath } from '../../test/helpers/fleet.ts'
import { limits } from '../limits.ts'
import { type Closure, closureCodec, closureSize, type DescribedPath, referencesOf } from './closure.ts'

const closure = testClosure('kiosk')
const [library, app, top] = closure.paths as [DescribedPath, DescribedPath, DescribedPath]

function refused(paths: unknown[], extra: object = {}): void {
  assert.throws(() => closureCodec.decode(encode({ v: 1, paths, ...extra })), withCode('malformed'))
}

describe('closure descriptors', () => {
  it('are read back, with references and size', () => {
    const read = closureCodec.decode(closureCodec.encode(closure))
    assert.deepEqual(read, closure)
    assert.deepEqual(referencesOf(read, app), [testStorePath('kiosk-library'), testStorePath('kiosk-app')])
    assert.deepEqual(referencesOf(read, top), [testStorePath('kiosk-app'), testStorePath('kiosk-library')])
    assert.equal(closureSize(read), 4096 + 8192 + 512)
  })

  it('name references before referrers, each path and each reference once', () => {
    refused([])
    refused([
      { ...library, references: [1] },
      { ...app, references: [] },
    ])
    refused([{ ...library, references: [5] }])
    refused([{ ...library, references: [-1] }])
    refused([library, { ...app, references: [0, 0] }])
    refused([library, library])
    refused([library, { ...app, references: ['0'] }])
  })

  it('refuse paths outside of the store, wrong hashes and sizes, and unknown keys', () => {
    refused([{ ...library, path: '/nix/store/../etc' }])
    refused([{ ...library, path: `${library.path}/bin` }])
    refused([{ ...library, narHash: new Uint8Array(31) }])
    refused([{ ...library, narSize: 0 }])
    refused([{ ...library, narSize: limits.narSize + 1 }])
    refused([{ ...library, narSize: 1.5 }])
    refused([{ ...library, signatures: new Array(limits.signatures + 1).fill('a:b') }])
    refused([{ ...library, deriver: '' }])
    refused([library], { top: 0 })
    refused([null])
  })

  it('take as many paths as a large system has', () => {
    const paths = Array.from(
      { length: 10_000 },
      (_, place): DescribedPath => ({
        ...library,
        path: testStorePath(`package-${place}`),
        references: place === 0 ? [] : [place - 1],
      }),
    )
    const large: Closure = { v: 1, paths }
    assert.equal(closureCodec.decode(closureCodec.encode(large)).paths.length, 10_000)
  })

  it('are bounded', () => {
    assert.throws(() => closureCodec.decode(new Uint8Array(limits.closure + 1)), withCode('too-large'))
  })
})
