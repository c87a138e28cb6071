/** Signed heads of logs: golden text, which other programs verify, and no signature that counts elsewhere. */

import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { describe, it } from 'node:test'
import { testSigner } from '../../test/helpers/fleet.ts'
import { peerIdOf } from '../signing/peer-id.ts'
import { checkpointOf, isSignedHead, signHead, verifierKeyOf } from './log-head.ts'
import { leafHash } from './merkle.ts'

const device = testSigner('device')
const peer = peerIdOf(device.publicKey)
const fleet = '0123456789abcdef'.repeat(4)
const head = signHead(fleet, { size: 7, root: leafHash(Buffer.from('entry')) }, device)

describe('the head of a log', () => {
  it('counts for its log, size and root only', () => {
    assert.ok(isSignedHead(fleet, peer, head))
    const others = [
      isSignedHead('f'.repeat(64), peer, head),
      isSignedHead(fleet, peerIdOf(testSigner('other').publicKey), head),
      isSignedHead(fleet, peer, { ...head, size: 8 }),
      isSignedHead(fleet, peer, { ...head, root: leafHash(Buffer.from('another')) }),
    ]
    assert.deepEqual(others, [false, false, false, false])
  })

  it('is a signed note, as its tools read and verify it', () => {
    const note = checkpointOf(fleet, peer, head)
    const root = Buffer.from(head.root).toString('base64')
    const name = `thymesh/0123456789abcdef/audit/${peer}`
    const [text = '', line = ''] = note.split('\n\n')
    assert.equal(text, `${name}\n7\n${root}`)
    const [, signer, signed = ''] = /^— (\S+) (\S+)\n$/.exec(line) ?? []
    assert.equal(signer, name)
    const [, hash = '', key = ''] = verifierKeyOf(fleet, peer).slice(name.length).split('+')
    const bytes = Buffer.from(signed, 'base64')
    assert.equal(bytes.subarray(0, 4).toString('hex'), hash)
    const raw = Buffer.from(verifierKeyOf(fleet, peer).slice(name.length + 1 + hash.length + 1), 'base64')
    assert.ok(key !== '' && raw[0] === 1)
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw.subarray(1)])
    const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
    assert.ok(verify(null, Buffer.from(`${text}\n`), publicKey, bytes.subarray(4)))
  })
})
