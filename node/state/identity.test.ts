/** Tests of the identity file. */

import assert from 'node:assert/strict'
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { testSeed } from '../../test/helpers/fleet.ts'
import { testDirectory } from '../../test/helpers/state.ts'
import { loadIdentity, readSeed, writeSeed } from './identity.ts'

describe('loadIdentity', () => {
  it('makes one that only its owner reads, and finds it again', async t => {
    const directory = await testDirectory(t)
    const file = join(directory, 'identity.key')
    const made = await loadIdentity(file)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(directory), ['identity.key'])
    const again = await loadIdentity(file)
    assert.equal(again.peerId, made.peerId)
    assert.deepEqual(again.seed, made.seed)
  })

  it('refuses one that others can read', async t => {
    const file = join(await testDirectory(t), 'identity.key')
    await loadIdentity(file)
    for (const mode of [0o640, 0o604, 0o660]) {
      await chmod(file, mode)
      await assert.rejects(loadIdentity(file), withCode('readable-by-others'))
    }
  })

  it('refuses a file that holds no seed, and leaves it', async t => {
    const file = join(await testDirectory(t), 'identity.key')
    for (const text of ['', 'AAAA\n', Buffer.alloc(64).toString('base64')]) {
      await writeFile(file, text, { mode: 0o600 })
      await assert.rejects(loadIdentity(file), withCode('malformed'))
      assert.equal(await readFile(file, 'utf8'), text)
    }
  })

  it('gets over an attempt that was cut off', async t => {
    const file = join(await testDirectory(t), 'identity.key')
    await writeFile(`${file}.new`, 'AA')
    const made = await loadIdentity(file)
    assert.equal((await loadIdentity(file)).peerId, made.peerId)
  })
})

describe('writeSeed', () => {
  it('replaces nothing', async t => {
    const directory = await testDirectory(t)
    const file = join(directory, 'seed')
    await writeSeed(file, testSeed('one'))
    await assert.rejects(writeSeed(file, testSeed('two')), { code: 'EEXIST' })
    assert.deepEqual(await readSeed(file), testSeed('one'))
    assert.deepEqual(await readdir(directory), ['seed'])
  })
})
