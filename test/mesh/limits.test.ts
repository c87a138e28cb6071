/** Tests of a member's limits: connections, requests, bad messages. Above them it is refused, then dropped. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { connectionsPerPeer, faultsPerPeer, requestRates, servedDocumentsPerPeer } from '../../node/mesh/limits.ts'
import { withChannel } from '../../node/mesh/transport/channel.ts'
import { answerCodec, documentRequestCodec } from '../../protocol/messages/messages.ts'
import { testSigner } from '../helpers/fleet.ts'
import { connect, gossiping, isMember, liveFleet, Mesh, mesh, reportOf, type TestPeer } from '../helpers/mesh.ts'
import { answerHello, helloOf, rawHost, sayHello } from '../helpers/raw-host.ts'
import { until } from '../helpers/until.ts'

/** A member that can misbehave, and its victim. */
async function scene(t: TestContext) {
  const made = await Mesh.of(t)
  const fleet = liveFleet()
  const victim = await made.start({ word: 'victim', fleet })
  const friend = await made.start({ word: 'friend', fleet })
  await connect(friend, victim)
  const host = await rawHost(made, 'hostile')
  const hello = helloOf(fleet, fleet.certify(testSigner('hostile'), { name: 'hostile' }))
  await answerHello(host, fleet, hello)
  const connection = await host.dial(victim.host.getMultiaddrs())
  assert.equal((await sayHello(connection, fleet, hello)).admitted, true)
  const dropped = () =>
    until(
      () => victim.admission.isRefused(host.peerId.toString()) && victim.host.getConnections(host.peerId).length === 0,
      'the hostile member to be dropped',
    )
  const unharmed = async () => {
    assert.ok(isMember(victim, friend))
    assert.ok(await friend.documents.ask(victim.host.peerId, { head: true }, 4096))
  }
  return { made, fleet, victim, friend, host, hello, connection, dropped, unharmed }
}

describe('a member', () => {
  it('has a few connections; further ones take the place of the oldest', async t => {
    const { victim, host, unharmed } = await scene(t)
    for (let each = 0; each < 3 * connectionsPerPeer; each++) {
      await host.dial(victim.host.getMultiaddrs(), { force: true }).catch(() => {})
    }
    await until(() => victim.host.getConnections(host.peerId).length <= connectionsPerPeer, 'the surplus to go')
    await unharmed()
  })

  it('that says hello without end is dropped', async t => {
    const { fleet, hello, connection, dropped, unharmed } = await scene(t)
    const most = requestRates.hello.most + faultsPerPeer + 50
    for (let each = 0; each < most && connection.status === 'open'; each++) {
      await sayHello(connection, fleet, hello).catch(() => {})
    }
    await dropped()
    await unharmed()
  })

  it('that sends rubbish instead of requests is dropped, and not taken back for a while', async t => {
    const { victim, host, connection, dropped, unharmed } = await scene(t)
    for (let each = 0; each < faultsPerPeer + 5 && connection.status === 'open'; each++) {
      try {
        const stream = await connection.newStream(victim.names.document)
        stream.send(Uint8Array.of(0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff))
        await stream.close()
      } catch {
        break
      }
    }
    await dropped()
    const again = await host.dial(victim.host.getMultiaddrs()).catch(() => undefined)
    await until(() => again === undefined || again.status !== 'open', 'its next connection to be refused')
    await unharmed()
  })

  it('is answered so many questions at a time, and leaves room for others', async t => {
    const { victim, connection, unharmed } = await scene(t)
    const hash = victim.state.accepted?.trusted.snapshot?.bytes
    assert.ok(hash)
    // Streams that ask and never read their answer.
    const asking = Array.from({ length: 2 * servedDocumentsPerPeer }, async () => {
      const stream = await connection.newStream(victim.names.document)
      return await withChannel(stream, AbortSignal.timeout(120_000), async channel => {
        await channel.send(documentRequestCodec, { head: true })
        return await channel.receive(answerCodec)
      })
    })
    const answers = await Promise.allSettled(asking)
    assert.ok(answers.some(({ status }) => status === 'fulfilled'))
    await unharmed()
  })

  it('whose gossip is invalid is not listened to any more', async t => {
    const { peers } = await mesh(t, 3)
    const [hostile, victim, behind] = peers as [TestPeer, TestPeer, TestPeer]
    for (const { supervisor } of peers) supervisor.stop()
    await connect(hostile, victim)
    await connect(victim, behind)
    await gossiping([hostile, victim], [victim, behind])
    const { pubsub } = victim.host.services as unknown as {
      pubsub: { score: { score(id: string): number }; opts: { scoreThresholds: { graylistThreshold: number } } }
    }
    const id = hostile.identity.peerId
    await until(() => victim.directory.certificate(id), 'its certificate')
    const { graylistThreshold } = pubsub.opts.scoreThresholds
    for (let each = 0; pubsub.score.score(id) >= graylistThreshold && each < 50; each++) {
      const before = pubsub.score.score(id)
      await hostile.host.services.pubsub.publish(hostile.names.reports, Buffer.from(`rubbish ${each}`))
      await until(() => pubsub.score.score(id) < before, 'a lower score')
    }
    assert.ok(pubsub.score.score(id) < graylistThreshold, `its score is ${pubsub.score.score(id)}`)
    hostile.gossip.publishReport(reportOf(hostile, 1))
    behind.gossip.publishReport(reportOf(behind, 1))
    await until(() => victim.directory.report(behind.identity.peerId), 'an honest report')
    // An answer on the same connection: what was gossiped before has arrived.
    await hostile.documents.ask(victim.host.peerId, { head: true }, 4096).catch(() => {})
    assert.equal(victim.directory.report(id), undefined)
  })
})
