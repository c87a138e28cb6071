/** Tests of the compression level: thorough on a thin line only, and not where the processor is what is waited for. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { constants, zstdCompressSync } from 'node:zlib'
import { recipeLimits } from '../../../protocol/closure/recipe.ts'
import { maxBaseBytes } from '../../../protocol/messages/swarm.ts'
import { noise } from '../../../test/helpers/planted-nar.ts'
import { PackLevel } from './pack-level.ts'
import { unpack } from './unpack.ts'

const chunk = { whole: 64 * 1024, packed: 16 * 1024 }

describe('the level of compression', () => {
  it('is thorough where the link takes longer than compressing, and quick where that is not known', () => {
    const level = new PackLevel()
    assert.equal(level.levelFor(undefined), 3)
    assert.equal(level.levelFor(30e6), 3)
    assert.equal(level.levelFor(125e3), 9)
  })

  it('makes no frames that a receiver with the window of the quick level could not unpack', async () => {
    const dictionary = noise('base', maxBaseBytes)
    // The first bytes of the base are as far away as may be.
    const plain = Buffer.concat([noise('chunk', recipeLimits.chunkSize - 4096), dictionary.subarray(0, 4096)])
    const params = { [constants.ZSTD_c_compressionLevel]: new PackLevel().levelFor(1000) }
    const packed = zstdCompressSync(plain, { params, pledgedSrcSize: plain.length, dictionary })
    assert.ok(packed.length < plain.length - 4000)
    assert.deepEqual(Buffer.from(await unpack(packed, plain.length, dictionary)), plain)
  })

  it('follows what compressing takes, on a machine that is fast or has become busy', () => {
    const level = new PackLevel()
    for (let i = 0; i < 100; i++) level.add(9, { ...chunk, milliseconds: 6 })
    assert.equal(level.levelFor(1e6), 9)
    for (let i = 0; i < 100; i++) level.add(9, { ...chunk, milliseconds: 60 })
    assert.equal(level.levelFor(1e6), 3)
    assert.equal(level.levelFor(60e3), 9)
    // What the quick level takes says nothing of the thorough one, which is tried again after a while.
    for (let i = 0; i < 100; i++) level.add(3, { ...chunk, milliseconds: 1 })
    assert.equal(level.levelFor(1e6), 3)
    for (let i = 0; i < 1000; i++) level.add(3, { ...chunk, milliseconds: 1 })
    assert.equal(level.levelFor(1e6), 9)
  })
})
