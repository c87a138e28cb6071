/** Tests of strangers: they get nothing but hello, on any protocol, and are not dialled again for a while. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { timeText } from '../../protocol/encoding/fields.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { withCode } from '../helpers/errors.ts'
import { daysAfter, testSigner } from '../helpers/fleet.ts'
import { addressesOf, connect, isMember, liveFleet, Mesh } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

describe('who is no member', () => {
  it('is refused, served nothing and not redialled for a while', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const elsewhere = liveFleet('elsewhere')
    const good = await made.start({ word: 'good', fleet })
    const expired = fleet.certify(testSigner('expired'), {
      name: 'expired',
      expires: timeText(daysAfter(new Date(), -0.5)),
    })
    const bad = [
      { word: 'expired', certificate: expired },
      { word: 'other-fleet', certificate: elsewhere.certify(testSigner('other-fleet'), { name: 'other-fleet' }) },
      { word: 'thief', certificate: fleet.certify(testSigner('good'), { name: 'good' }) },
    ]
    const peers = await Promise.all(
      bad.map(init => made.start({ ...init, fleet, settings: { bootstrap: addressesOf(good) } })),
    )
    await Promise.all(
      peers.map(async peer => {
        const came = () => peer.host.getConnections(good.host.peerId).length > 0
        await until(() => came() || good.admission.isRefused(peer.identity.peerId), `${peer.word} to connect`)
        await assert.rejects(peer.documents.ask(good.host.peerId, { head: true }, 4096), peer.word)
      }),
    )
    for (const peer of peers) {
      const id = peer.identity.peerId
      await until(
        () => good.admission.isRefused(id) && good.host.getConnections(peer.host.peerId).length === 0,
        peer.word,
      )
      assert.ok(!isMember(peer, good), `${peer.word} is no member's member`)
      // It was told so: it does not knock again and again either.
      await until(() => peer.admission.isRefused(good.identity.peerId), `${peer.word} to know that it was refused`)
    }
    assert.deepEqual(good.admission.members, [])
    assert.deepEqual(
      good.directory.certificates().map(({ name }) => name),
      ['good'],
    )
  })

  it('is dropped when it is revoked, and forgotten', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const good = await made.start({ word: 'good', fleet })
    const bad = await made.start({ word: 'bad', fleet })
    await connect(good, bad)
    await until(() => good.directory.certificate(bad.identity.peerId), 'its certificate')
    const accepted = good.state.accepted
    assert.ok(accepted)
    // As `accept` does when the members role has named it.
    const revoked = new Set([bad.identity.peerId])
    Object.assign(accepted, { authority: { ...accepted.authority, revoked } })
    good.state.emit('changed', accepted)
    await until(() => good.host.getConnections(bad.host.peerId).length === 0, 'it to be dropped')
    assert.ok(good.admission.isRefused(bad.identity.peerId))
    assert.deepEqual(good.admission.members, [])
    await until(() => good.directory.certificate(bad.identity.peerId) === undefined, 'it to be forgotten')
    await assert.rejects(good.directory.addCertificate(bad.identity.peerId, bad.certificate), withCode('revoked'))
  })
})

describe('a joiner', () => {
  it('bootstraps from a peer with nothing but a token', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    fleet.release({ message: 'news' })
    const peer = await made.start({ word: 'peer', fleet })
    const signer = testSigner('joiner')
    const token = fleet.token({ names: 'kiosk-*', site: 'north' })
    const joiner = await made.start({
      word: 'joiner',
      fleet,
      certificate: fleet.join(token, signer, { name: 'kiosk-1', site: 'north' }),
      trusts: 'none',
      settings: { bootstrap: addressesOf(peer) },
    })
    await until(() => isMember(joiner, peer) && isMember(peer, joiner), 'both to admit each other')
    assert.equal(joiner.state.accepted?.release.version, 2)
    assert.equal(peer.directory.certificate(peerIdOf(signer.publicKey))?.document.name, 'kiosk-1')
  })

  it('asks again when the one that knows more fails at first', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const peer = await made.start({ word: 'peer', fleet })
    await peer.documents.stop()
    const joiner = await made.start({
      word: 'joiner',
      fleet,
      trusts: 'none',
      settings: { bootstrap: addressesOf(peer) },
    })
    await until(() => joiner.host.getConnections().length > 0, 'a connection')
    await until(() => peer.host.getConnections().some(each => each.streams.length === 0), 'hello to be over')
    assert.equal(joiner.state.accepted, undefined)
    await peer.documents.start()
    await until(() => isMember(joiner, peer) && isMember(peer, joiner), 'both to admit each other')
  })

  it('knows a peer by its address alone', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const peer = await made.start({ word: 'peer', fleet })
    const bare = addressesOf(peer).map(text =>
      multiaddr(text)
        .toString()
        .replace(/\/p2p\/.*/, ''),
    )
    const joiner = await made.start({ word: 'joiner', fleet, trusts: 'none', settings: { bootstrap: bare } })
    await until(() => isMember(joiner, peer) && isMember(peer, joiner), 'both to admit each other')
  })
})
