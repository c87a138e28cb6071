/** Tests of the compression level: hard on a thin line only, and not where the processor is what is waited for. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { constants, zstdCompressSync } from 'node:zlib'
import { recipeLimits } from '../../../protocol/closure/recipe.ts'
import { maxBaseBytes } from '../../../protocol/messages/swarm.ts'
import { noise } from '../../../test/helpers/planted-nar.ts'
import { PackLevel } from './pack-level.ts'
import { unpack } from './unpack.ts'

describe('the level of compression', () => {
  it('is the hardest where the link takes longest, and the usual one where that is not known', () => {
    const level = new PackLevel()
    assert.deepEqual(
      [undefined, 30e6, 4e6, 125e3].map(rate => level.levelFor(rate)),
      [3, 3, 6, 9],
    )
  })

  it('makes no frames that a receiver with the window of the usual level could not unpack', async () => {
    const dictionary = noise('base', maxBaseBytes)
    // The first bytes of the base are as far away as may be.
    const plain = Buffer.concat([noise('chunk', recipeLimits.chunkSize - 4096), dictionary.subarray(0, 4096)])
    const params = { [constants.ZSTD_c_compressionLevel]: new PackLevel().levelFor(1000) }
    const packed = zstdCompressSync(plain, { params, pledgedSrcSize: plain.length, dictionary })
    assert.ok(packed.length < plain.length - 4000)
    assert.deepEqual(Buffer.from(await unpack(packed, plain.length, dictionary)), plain)
  })

  it('follows what compressing takes, on a machine that has become busy and is idle again', () => {
    const level = new PackLevel()
    const add = (used: number, times: number, milliseconds: number) => {
      for (let i = 0; i < times; i++) level.add(used, { whole: 64 * 1024, packed: 16 * 1024, milliseconds })
    }
    add(9, 100, 6)
    assert.equal(level.levelFor(1e6), 9)
    add(9, 100, 60)
    assert.equal(level.levelFor(1e6), 6)
    add(6, 100, 30)
    assert.equal(level.levelFor(1e6), 3)
    assert.equal(level.levelFor(60e3), 9)
    // What the usual level takes says nothing of the others, which are tried again after a while.
    add(3, 100, 1)
    assert.equal(level.levelFor(1e6), 3)
    add(3, 1000, 1)
    assert.equal(level.levelFor(1e6), 9)
  })
})
