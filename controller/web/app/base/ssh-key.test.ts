/** The page's fingerprints of SSH keys are those of the controller. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sshFingerprint } from '../../../../protocol/release/ssh-key.ts'
import { fingerprintOf, sshKeysIn } from './ssh-key.ts'

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS'

describe('keys of OpenSSH in the page', () => {
  it('are read out of a text, without comments', () => {
    assert.deepEqual(sshKeysIn(`# mine\n${key} ada@laptop\n\n  nonsense \n`), [key, 'nonsense'])
    assert.deepEqual(sshKeysIn(`${key} ada@laptop\n${key} copy\n`), [key])
  })

  it('have the fingerprint that the controller shows, and none where there is no key', async () => {
    assert.equal(await fingerprintOf(key), sshFingerprint(key))
    assert.equal(await fingerprintOf('nonsense'), undefined)
    assert.equal(await fingerprintOf('ssh-ed25519 ***'), undefined)
  })
})
