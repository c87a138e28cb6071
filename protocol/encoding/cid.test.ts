/** Tests of hashes, hex and CIDs. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CID } from 'multiformats/cid'
import { cidOf, cidOfHash, cidSchema, hashOfCid } from './cid.ts'
import { equalBytes, fromHex, sha256, sha256Hex, toHex } from './hash.ts'

describe('hashes', () => {
  it('are SHA-256, over parts as over the whole', () => {
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    assert.equal(sha256Hex(Buffer.from('abc')), abc)
    assert.equal(toHex(sha256(Buffer.from('a'), Buffer.from('bc'))), abc)
    assert.deepEqual(fromHex(abc), sha256(Buffer.from('abc')))
  })

  it('are written of a part of a buffer, too', () => {
    assert.equal(toHex(new Uint8Array([1, 2, 3, 4]).subarray(1, 3)), '0203')
  })

  it('come from lowercase hex only', () => {
    assert.equal(fromHex('').length, 0)
    for (const text of ['a', 'AB', 'xy', ' 00', '00\n']) assert.throws(() => fromHex(text), RangeError)
  })

  it('compare bytes of any lengths', () => {
    assert.equal(equalBytes(Uint8Array.of(1), Uint8Array.of(1)), true)
    assert.equal(equalBytes(Uint8Array.of(1), Uint8Array.of(2)), false)
    assert.equal(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 2)), false)
    assert.equal(equalBytes(new Uint8Array(), new Uint8Array()), true)
  })
})

describe('CIDs', () => {
  it('hold the hash of the bytes', () => {
    const bytes = Buffer.from('a document')
    assert.deepEqual(hashOfCid(cidOf(bytes)), sha256(bytes))
    assert.equal(cidOfHash(sha256(bytes)).toString(), cidOf(bytes).toString())
    assert.match(cidOf(bytes).toString(), /^bafyrei/)
  })

  it('are of one kind', () => {
    assert.equal(cidSchema.safeParse(cidOf(Buffer.from('a'))).success, true)
    const refused = [
      CID.parse('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'),
      CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'),
      cidOfHash(new Uint8Array(31)),
      cidOf(Buffer.from('a')).toString(),
      { '/': 'bafyreib' },
      null,
      undefined,
      1,
    ]
    for (const value of refused) assert.equal(cidSchema.safeParse(value).success, false, String(value))
  })
})
