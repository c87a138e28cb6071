/** Who isn't a member gets nothing but hello, on any protocol, and is not dialled again for a while. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { refusedHellos } from '../../node/defaults.ts'
import { timeText } from '../../protocol/fields.ts'
import { peerIdOf } from '../../protocol/peer-id.ts'
import { withCode } from '../helpers/errors.ts'
import { daysAfter, testSigner } from '../helpers/fleet.ts'
import { addressesOf, connect, isMember, liveFleet, Mesh, until } from '../helpers/mesh.ts'
import { answerHello, fate, helloOf, rawHost, sayHello } from '../helpers/raw-host.ts'

describe('a stranger', () => {
  it('gets no stream of any protocol served, and is dropped', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const peer = await made.start({ word: 'peer', fleet, settings: { dht: 'server' } })
    const stranger = await rawHost(made, 'stranger')
    const connection = await stranger.dial(peer.host.getMultiaddrs())
    const { names } = peer
    const protocols = peer.host.getProtocols().filter(each => each !== names.hello)
    for (const expected of [names.document, names.sync, names.swarm, '/meshsub/1.2.0']) {
      assert.ok(protocols.includes(expected), `${expected} is served`)
    }
    for (const part of ['id/1.0.0', 'id/push/1.0.0', 'ping/1.0.0', 'kad/1']) {
      assert.ok(protocols.includes(`/${names.prefix}/${part}`), `${part} is served`)
    }
    const fates = await Promise.all(
      protocols.map(async protocol => {
        const stream = await connection.newStream(protocol)
        stream.send(new Uint8Array(64))
        return { protocol, ...(await fate(stream)) }
      }),
    )
    for (const { protocol, bytes, status } of fates) {
      assert.equal(bytes, 0, `${protocol} sent ${bytes} bytes to a stranger`)
      assert.notEqual(status, 'open', protocol)
    }
    await until(() => peer.host.getConnections(stranger.peerId).length === 0, 'the stranger to be dropped')
    assert.ok(peer.admission.isRefused(stranger.peerId.toString()))
    // Back at once, it finds no open door.
    const again = await stranger.dial(peer.host.getMultiaddrs()).catch(() => undefined)
    await until(() => again === undefined || again.status !== 'open', 'the second connection to be refused')
    assert.deepEqual(peer.admission.members, [])
  })

  it('has a few hellos, then it is dropped', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const peer = await made.start({ word: 'peer', fleet })
    const stranger = await rawHost(made, 'stranger')
    const connection = await stranger.dial(peer.host.getMultiaddrs())
    const other = liveFleet('elsewhere')
    const hello = helloOf(other, other.certify(testSigner('stranger'), { name: 'stranger' }))
    let verdicts = 0
    while (connection.status === 'open') {
      const verdict = await sayHello(connection, fleet, hello).catch(() => undefined)
      if (verdict === undefined) await sleep(10)
      else verdicts++
      assert.notEqual(verdict?.admitted, true)
    }
    assert.ok(verdicts <= refusedHellos, `${verdicts} hellos were judged`)
  })

  it('that says it knows news can send nothing else', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const peer = await made.start({ word: 'peer', fleet })
    const stranger = await rawHost(made, 'stranger')
    const other = liveFleet('elsewhere')
    const certificate = other.certify(testSigner('stranger'), { name: 'stranger' })
    await answerHello(stranger, fleet, helloOf(other, certificate))
    let asked = 0
    await stranger.handle(peer.names.document, stream => {
      asked++
      stream.abort(new Error('no'))
    })
    const connection = await stranger.dial(peer.host.getMultiaddrs())
    const verdict = await sayHello(connection, fleet, helloOf(other, certificate, { root: 9, timestamp: 9 }))
    assert.equal(verdict.admitted, false)
    await until(() => asked > 0, 'the peer to ask for the news')
    assert.deepEqual(peer.admission.members, [])
    assert.equal(peer.state.belief?.release.version, 1)
  })
})

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
    const belief = good.state.belief
    assert.ok(belief)
    // As `believe` does when the members role has named it.
    const revoked = new Set([bad.identity.peerId])
    Object.assign(belief, { authority: { ...belief.authority, revoked } })
    good.state.emit('changed', belief)
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
      believes: 'none',
      settings: { bootstrap: addressesOf(peer) },
    })
    await until(() => isMember(joiner, peer) && isMember(peer, joiner), 'both to admit each other')
    assert.equal(joiner.state.belief?.release.version, 2)
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
      believes: 'none',
      settings: { bootstrap: addressesOf(peer) },
    })
    await until(() => joiner.host.getConnections().length > 0, 'a connection')
    await until(() => peer.host.getConnections().some(each => each.streams.length === 0), 'hello to be over')
    assert.equal(joiner.state.belief, undefined)
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
    const joiner = await made.start({ word: 'joiner', fleet, believes: 'none', settings: { bootstrap: bare } })
    await until(() => isMember(joiner, peer) && isMember(peer, joiner), 'both to admit each other')
  })
})
