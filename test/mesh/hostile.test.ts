/** Tests of a peer against bad luck and bad members: it asks only connected peers, and sends nothing that harms. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { withCode } from '../helpers/errors.ts'
import { testSigner } from '../helpers/fleet.ts'
import { connect, mesh, type TestPeer } from '../helpers/mesh.ts'

describe('gossip', () => {
  it('sends no message that would end a gossip stream', async t => {
    const { peers } = await mesh(t, 1)
    const [peer] = peers as [TestPeer]
    assert.throws(() => peer.gossip.publishReport(new Uint8Array(limits.gossipMessage + 1)), withCode('too-large'))
  })
})

describe('documents', () => {
  it('that nobody has are an error, not a wait', async t => {
    const { peers } = await mesh(t, 2)
    const [source, victim] = peers as [TestPeer, TestPeer]
    await connect(victim, source)
    await assert.rejects(victim.documents.fetch(sha256(Buffer.from('nothing'))), withCode('no-peer'))
    await assert.rejects(
      victim.documents.ask(testPeerId('absent', victim), { head: true }, 4096),
      withCode('not-connected'),
    )
  })
})

function testPeerId(word: string, peer: TestPeer) {
  return { ...peer.host.peerId, toString: () => peerIdOf(testSigner(word).publicKey) } as typeof peer.host.peerId
}
