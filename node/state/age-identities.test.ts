/** Tests of age identities: made, rotated, bounded. */

import assert from 'node:assert/strict'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Decrypter, Encrypter } from 'age-encryption'
import { withCode } from '../../test/helpers/errors.ts'
import { daysAfter, testNow } from '../../test/helpers/fleet.ts'
import { testDirectory } from '../../test/helpers/state.ts'
import { AgeIdentities } from './age-identities.ts'
import { ageIdentitiesKept, ageIdentityKeptMs } from './limits.ts'

async function encrypted(recipient: string): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(recipient)
  return await encrypter.encrypt('a password')
}

async function decrypted(ciphertext: Uint8Array, identities: readonly string[]): Promise<string> {
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  return await decrypter.decrypt(ciphertext, 'text')
}

describe('age identities', () => {
  it('are made once, for their owner only, and read again', async t => {
    const file = join(await testDirectory(t), 'age.keys')
    const made = await AgeIdentities.load(file, testNow)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.match(made.recipient, /^age1[0-9a-z]{58}$/)
    const again = await AgeIdentities.load(file, daysAfter(testNow, 1))
    assert.equal(again.recipient, made.recipient)
    assert.deepEqual(again.identities, made.identities)
    assert.match(await readFile(file, 'utf8'), /^# created: 2026-01-31T12:00:00Z\n# public key: age1/)
  })

  it('read what was encrypted to the one before, for a while', async t => {
    const file = join(await testDirectory(t), 'age.keys')
    const own = await AgeIdentities.load(file, testNow)
    const inFlight = await encrypted(own.recipient)
    const next = await own.rotate(daysAfter(testNow, 10))
    assert.equal(own.recipient, next)
    const read = await AgeIdentities.load(file, daysAfter(testNow, 11))
    assert.equal(await decrypted(inFlight, read.identities), 'a password')
    assert.equal(await decrypted(await encrypted(next), read.identities), 'a password')
    const later = daysAfter(testNow, 11 + ageIdentityKeptMs / 86_400_000)
    await read.rotate(later)
    assert.equal(read.identities.length, 2, 'the one that was replaced last is kept')
    await assert.rejects(decrypted(inFlight, read.identities))
  })

  it('are bounded however often they are rotated', async t => {
    const own = await AgeIdentities.load(join(await testDirectory(t), 'age.keys'), testNow)
    for (let times = 0; times < ageIdentitiesKept + 3; times++) await own.rotate(testNow)
    assert.equal(own.identities.length, ageIdentitiesKept)
  })

  it('are refused when others can read them, or when they are none', async t => {
    const file = join(await testDirectory(t), 'age.keys')
    await AgeIdentities.load(file, testNow)
    await chmod(file, 0o640)
    await assert.rejects(AgeIdentities.load(file, testNow), withCode('readable-by-others'))
    await chmod(file, 0o600)
    await writeFile(file, 'AGE-SECRET-KEY-1OOPS\n')
    await assert.rejects(AgeIdentities.load(file, testNow), withCode('malformed'))
  })
})
