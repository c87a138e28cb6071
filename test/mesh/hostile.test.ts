/** Members that don't keep to the rules: what they say is refused, and the mesh goes on. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { converse } from '../../node/mesh/channel.ts'
import { seal } from '../../protocol/dsse.ts'
import { sha256 } from '../../protocol/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { answerCodec, documentRequestCodec, headCodec } from '../../protocol/messages.ts'
import { peerIdOf } from '../../protocol/peer-id.ts'
import { reportKind } from '../../protocol/report.ts'
import { withCode } from '../helpers/errors.ts'
import { testSigner } from '../helpers/fleet.ts'
import {
  connect,
  documentsOf,
  gossiping,
  isMember,
  liveFleet,
  Mesh,
  mesh,
  reportOf,
  type TestPeer,
  until,
} from '../helpers/mesh.ts'
import { signedJson, signJson } from '../helpers/metadata.ts'
import { answerHello, helloOf, rawHost, sayHello } from '../helpers/raw-host.ts'
import { dump } from '../helpers/state.ts'

const trustTables = ['trust', 'documents', 'releases', 'own'] as const

/** A member that gossips what it likes, a peer that it talks to, and one behind that. */
async function lineWithHostile(t: TestContext) {
  const made = await mesh(t, 3)
  const [hostile, peer, behind] = made.peers as [TestPeer, TestPeer, TestPeer]
  for (const { supervisor } of made.peers) supervisor.stop()
  await connect(hostile, peer)
  await connect(peer, behind)
  await gossiping([hostile, peer], [peer, behind])
  const say = (topic: 'heads' | 'reports', bytes: Uint8Array) =>
    hostile.host.services.pubsub.publish(hostile.names[topic], bytes)
  /** Until the peer has judged what was said: the judge of a topic runs for each message that gets so far. */
  const judged = async (topic: 'heads' | 'reports', bytes: Uint8Array) => {
    const { topicValidators } = peer.host.services.pubsub
    const judge = topicValidators.get(peer.names[topic])
    assert.ok(judge)
    const done = Promise.withResolvers<string | undefined>()
    topicValidators.set(peer.names[topic], async (source, message) => {
      const verdict = await judge(source, message)
      if (Buffer.from(message.data).equals(bytes)) done.resolve(verdict)
      return verdict
    })
    await say(topic, bytes)
    return await done.promise
  }
  return { ...made, hostile, peer, behind, judged }
}

describe('gossip by a hostile member', () => {
  it('of heads by strangers, of other fleets and of old versions changes nothing', async t => {
    const { fleet, hostile, peer, behind, judged } = await lineWithHostile(t)
    const first = fleet.published.trusted.timestamp
    const second = fleet.release()
    await peer.state.believe(second.trusted, documentsOf(fleet))
    await until(() => behind.state.belief?.release.version === 2, 'the second release')
    const before = await dump(peer.peerState.database, trustTables)
    const elsewhere = liveFleet('elsewhere').release().trusted.timestamp
    const { timestamp } = second.trusted
    assert.ok(first && timestamp && elsewhere)
    const stranger = signJson({ ...signedJson(timestamp), version: 99 }, testSigner('stranger'))
    assert.equal(await judged('heads', headCodec.encode({ root: 1, timestamp: first.bytes })), 'ignore')
    // By keys of a root that it does not have, for all that it knows.
    assert.equal(await judged('heads', headCodec.encode({ root: 7, timestamp: stranger })), 'ignore')
    assert.equal(await judged('heads', headCodec.encode({ root: 1, timestamp: stranger })), 'reject')
    assert.equal(await judged('heads', headCodec.encode({ root: 1, timestamp: elsewhere.bytes })), 'reject')
    assert.deepEqual(await dump(peer.peerState.database, trustTables), before)
    assert.ok(isMember(peer, hostile))
    const third = fleet.release()
    await behind.state.believe(third.trusted, documentsOf(fleet))
    await until(() => peer.state.belief?.release.version === 3, 'the peer to go on')
  })

  it('of forged reports, and those of unknown members, changes nothing', async t => {
    const { fleet, peer, behind, judged } = await lineWithHostile(t)
    const before = await dump(peer.peerState.database, ['members', 'reports'])
    const victim = { fleet: fleet.fleet, signer: behind.signer }
    const honest = reportOf(victim, 1)
    const forged = seal(
      reportKind,
      {
        v: 1,
        fleet: fleet.fleet,
        peer: peerIdOf(victim.signer.publicKey),
        counter: 5,
        state: 'failed',
        freshness: 'fresh',
      },
      testSigner('forger'),
    )
    assert.equal(await judged('reports', forged), 'reject')
    assert.equal(await judged('reports', reportOf({ fleet: fleet.fleet, signer: testSigner('nobody') }, 1)), 'ignore')
    assert.equal(await judged('reports', Buffer.from('rubbish')), 'reject')
    assert.deepEqual(await dump(peer.peerState.database, ['members', 'reports']), before)
    behind.gossip.publishReport(honest)
    await until(() => peer.directory.report(behind.identity.peerId), 'the peer to go on')
    assert.equal(peer.directory.report(behind.identity.peerId)?.document.state, 'waiting')
  })

  it('cannot make us send a message that would end a gossip stream', async t => {
    const { peers } = await mesh(t, 1)
    const [peer] = peers as [TestPeer]
    assert.throws(() => peer.gossip.publishReport(new Uint8Array(limits.gossipMessage + 1)), withCode('too-large'))
  })
})

describe('documents of a hostile member', () => {
  /** A member that says it has the latest, and answers with what `twist` makes of it. */
  async function hostileMember(made: Mesh, source: TestPeer, twist: (bytes: Uint8Array, what: string) => Uint8Array) {
    const fleet = { fleet: source.fleet } as Parameters<typeof helloOf>[0]
    const host = await rawHost(made, 'hostile')
    const certificate = source.directory.certificate(host.peerId.toString())?.envelope
    assert.ok(certificate)
    const hello = helloOf(fleet, certificate, source.state.versions)
    await answerHello(host, fleet, hello)
    const served: string[] = []
    await host.handle(source.names.document, stream =>
      converse(stream, undefined, async channel => {
        const request = await channel.receive(documentRequestCodec)
        const what = Object.keys(request)[0] ?? ''
        const bytes =
          'hash' in request
            ? await source.state.document(request.hash)
            : 'root' in request
              ? await source.state.trustStore.root(request.root)
              : source.state.head?.timestamp
        const answer = bytes && twist(bytes, what)
        served.push(what)
        await channel.send(answerCodec, answer ? { size: answer.length } : { error: 'not-found' })
        if (answer) await channel.sendBody([answer])
      }).catch(() => {}),
    )
    const attack = async (victim: TestPeer) => {
      const connection = await host.dial(victim.host.getMultiaddrs())
      assert.deepEqual(await sayHello(connection, fleet, hello), { admitted: true })
    }
    return { host, served, attack }
  }

  async function scene(t: TestContext) {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const old = fleet.published
    fleet.release({ message: 'news' })
    const source = await made.start({ word: 'source', fleet })
    const victim = await made.start({ word: 'victim', fleet, believes: old })
    const signer = testSigner('hostile')
    const certificate = fleet.certify(signer, { name: 'hostile' })
    await source.directory.addCertificate(peerIdOf(signer.publicKey), certificate)
    return { made, fleet, source, victim, before: await dump(victim.peerState.database, trustTables) }
  }

  it('with other hashes are refused, and fetched from another', async t => {
    const { made, source, victim, before } = await scene(t)
    const { attack, served } = await hostileMember(made, source, (bytes, what) =>
      what === 'hash' ? Buffer.alloc(bytes.length) : bytes,
    )
    await attack(victim)
    await until(() => served.includes('hash'), 'the attack')
    assert.deepEqual(await dump(victim.peerState.database, trustTables), before)
    await connect(victim, source)
    await until(() => victim.state.belief?.release.version === 2, 'the release from another')
    const document = source.state.belief?.trusted.snapshot?.bytes
    assert.ok(document)
    // The hostile one is asked first, and another has it.
    const hostile = victim.admission.members.find(({ certificate }) => certificate.name === 'hostile')
    assert.ok(hostile)
    const fetched = await victim.documents.fetch(sha256(document), hostile.peer)
    assert.deepEqual(Buffer.from(fetched), Buffer.from(document))
  })

  it('that are longer than they may be are not read', async t => {
    const { made, source, victim, before } = await scene(t)
    const { attack, served, host } = await hostileMember(made, source, () => new Uint8Array(limits.root + 1))
    await attack(victim)
    await until(() => served.length > 0, 'the attack')
    await assert.rejects(victim.documents.ask(host.peerId, { head: true }, limits.timestamp), withCode('too-large'))
    assert.deepEqual(await dump(victim.peerState.database, trustTables), before)
  })

  it('that nobody has are an error, not a wait', async t => {
    const { source, victim } = await scene(t)
    await connect(victim, source)
    await assert.rejects(victim.documents.fetch(sha256(Buffer.from('nothing'))), withCode('no-peer'))
    await assert.rejects(
      victim.documents.ask(testPeerId('absent', victim), { head: true }, 4096),
      withCode('not-connected'),
    )
  })

  it('hold up no news, if it is no member that says it has some', async t => {
    const { made, fleet, source, victim } = await scene(t)
    const stalling = await rawHost(made, 'stalling')
    const elsewhere = liveFleet('elsewhere')
    const certificate = elsewhere.certify(testSigner('stalling'), { name: 'stalling' })
    let asked = 0
    await stalling.handle(source.names.document, () => {
      asked++
    })
    const connection = await stalling.dial(victim.host.getMultiaddrs())
    await sayHello(connection, fleet, helloOf(elsewhere, certificate, { root: 9, timestamp: 9 }))
    await until(() => asked > 0, 'the victim to ask')
    await connect(victim, source)
    await until(() => victim.state.belief?.release.version === 2, 'the news of a member', 10_000)
    assert.equal(connection.status, 'open')
  })
})

function testPeerId(word: string, peer: TestPeer) {
  return { ...peer.host.peerId, toString: () => peerIdOf(testSigner(word).publicKey) } as typeof peer.host.peerId
}
