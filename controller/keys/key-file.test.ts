/** Tests of key files: sealed by a passphrase, for their owner only, never written over. */

import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { newSeal, readKeyFile, writeKeyFile } from './key-file.ts'

/** Guessing is cheap here: tests open many files. */
const cheap = { N: 2 ** 10, r: 8, p: 1 }
const secret = 'c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I='
const right = async () => 'correct horse battery staple'
const wrong = async () => 'incorrect horse'
const nobody = async () => assert.fail('nobody should be asked')

describe('a key file', () => {
  let directory: string
  let file: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'thymesh-keys-'))
    file = join(directory, 'keys/root.key')
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  it('is sealed by a passphrase, and opens with no other', async () => {
    await writeKeyFile(file, 'root', secret, newSeal(await right(), cheap))
    assert.ok(!(await readFile(file, 'utf8')).includes(secret))
    assert.equal(await readKeyFile(file, 'root', right), secret)
    await assert.rejects(readKeyFile(file, 'root', wrong), withCode('wrong-passphrase', /doesn't open .*root\.key/))
  })

  it('is open where no passphrase was wanted, and nobody is asked', async () => {
    await writeKeyFile(file, 'root', secret, undefined)
    assert.equal(await readKeyFile(file, 'root', nobody), secret)
  })

  it('is for its owner only, and so is its folder', async () => {
    await writeKeyFile(file, 'root', secret, undefined)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.equal((await stat(join(directory, 'keys'))).mode & 0o777, 0o700)
    await chmod(file, 0o640)
    await assert.rejects(readKeyFile(file, 'root', nobody), withCode('readable-by-others'))
    await chmod(file, 0o600)
    await chmod(join(directory, 'keys'), 0o755)
    await assert.rejects(readKeyFile(file, 'root', nobody), withCode('readable-by-others'))
  })

  it('does not open as another role, changed, or with a price that takes all memory', async () => {
    await writeKeyFile(file, 'root', secret, newSeal(await right(), cheap))
    await assert.rejects(readKeyFile(file, 'targets', right), withCode('wrong-passphrase'))
    const json = JSON.parse(await readFile(file, 'utf8'))
    const sealed = Buffer.from(json.sealed, 'base64')
    sealed[0] = (sealed[0] ?? 0) ^ 1
    await writeFile(file, JSON.stringify({ ...json, sealed: sealed.toString('base64') }))
    await assert.rejects(readKeyFile(file, 'root', right), withCode('wrong-passphrase'))
    await writeFile(file, JSON.stringify({ ...json, sealed: '' }))
    await assert.rejects(readKeyFile(file, 'root', right), withCode('wrong-passphrase'))
    await writeFile(file, JSON.stringify({ ...json, n: 2 ** 30 }))
    await assert.rejects(readKeyFile(file, 'root', nobody), withCode('malformed'))
  })

  it('is never written over', async () => {
    await writeKeyFile(file, 'root', secret, undefined)
    await assert.rejects(writeKeyFile(file, 'root', 'another', undefined), withCode('exists'))
    assert.equal(await readKeyFile(file, 'root', nobody), secret)
    assert.deepEqual(await readdir(join(directory, 'keys')), ['root.key'])
  })
})
