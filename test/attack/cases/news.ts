/** Rounds of news with a neighbour that lies, forges, asks for too much, or says nothing. */

import assert from 'node:assert/strict'
import { zstdCompressSync } from 'node:zlib'
import { encode } from '@ipld/dag-cbor'
import type { Connection } from '@libp2p/interface'
import { memberKey } from '../../../node/mesh/exchange/holdings.ts'
import { requestRates } from '../../../node/mesh/limits.ts'
import { Channel, withChannel } from '../../../node/mesh/transport/channel.ts'
import { limits } from '../../../protocol/limits.ts'
import { type News, newsCodec, newsKeyLength, newsReportsCodec, type Told } from '../../../protocol/messages/news.ts'
import { highestCounter } from '../../../protocol/report/report.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { connect, documentsOf, reportOf, type TestPeer } from '../../helpers/mesh.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import type { HostilePeer } from '../hostile-peer.ts'
import { framed } from '../wire.ts'

const newsMs = 1000

export const newsAttacks: Attack[] = [
  {
    id: 'news-forge',
    power: 'device key',
    tried:
      'tells that it has a newer report of another member, and sends one that it signs itself, an old one, and 64 MiB of nothing',
    expected: 'none is taken, and news of an honest member are',
    async run(arena) {
      const { victim, hostile, connection, honest } = await scene(arena)
      const other = honest.identity.peerId
      await victim.directory.addReport(reportOf(honest, 5))
      const own = { fleet: arena.fleet.fleet, signer: hostile.signer }
      const bomb = { packed: zstdCompressSync(Buffer.alloc(64 << 20)), unpacked: limits.newsReports, whole: [0] }
      for (const reports of [sent(reportOf(own, 9, { peer: other })), sent(reportOf(honest, 4)), bomb]) {
        const stream = await hostile.open(connection, hostile.names.news)
        let wanted = 0
        const round = withChannel(stream, undefined, async channel => {
          await channel.send(newsCodec, { told: [told(other, 9)] })
          wanted = (await channel.receive(newsCodec)).wants?.length ?? 0
          await channel.send(newsCodec, { reports })
          // The next round is answered, or the stream is ended.
          await channel.send(newsCodec, {})
          await channel.receive(newsCodec)
        })
        await round.catch(() => {})
        // Else nothing was tried.
        assert.equal(wanted, 1)
      }
      assert.equal(victim.directory.member(other)?.report?.counter, 5)
      await stillHears(victim, honest)
    },
  },
  {
    id: 'news-flood',
    power: 'device key',
    tried: 'begins rounds without a pause, tells false counters of every member, and of members that it makes up',
    expected: `it is dropped within ${requestRates.news.most} rounds or so; news of an honest member arrive`,
    async run(arena) {
      const { victim, hostile, connection, honest } = await scene(arena)
      const everybody = victim.directory.members().map(({ peer }) => peer)
      const made = Array.from({ length: limits.newsTold - everybody.length }, (_, at) => `nobody ${at}`)
      const stream = await hostile.open(connection, hostile.names.news)
      let [rounds, most] = [0, 0]
      const flood = withChannel(stream, undefined, async channel => {
        for (; rounds < 10 * requestRates.news.most; rounds++) {
          await channel.send(newsCodec, { told: [...everybody, ...made].map(peer => told(peer, 1_000_000 + rounds)) })
          const { wants = [], told: theirs } = await channel.receive(newsCodec)
          most = Math.max(most, wants.length)
          if (wants.length > 0 || theirs !== undefined) await channel.send(newsCodec, {})
        }
      })
      await assert.rejects(flood)
      assert.ok(most <= everybody.length, `${most} wanted`)
      assert.ok(rounds < 5 * requestRates.news.most, `${rounds} rounds`)
      await stillHears(victim, honest)
    },
  },
  {
    id: 'news-counters',
    power: 'device key',
    tried:
      'tells of another member the highest counter that its certificate allows, and sends nothing; tells higher ones, of 2^63 and below zero',
    expected:
      'the first is asked for and forgotten, a higher one never asked for, the others are refused; news of that member arrive',
    async run(arena) {
      const { victim, hostile, connection, honest } = await scene(arena)
      await victim.directory.addReport(reportOf(honest, 5))
      const { peerId } = honest.identity
      const highest = highestCounter(honest.own.certificate)
      await withChannel(await hostile.open(connection, hostile.names.news), undefined, async channel => {
        for (const counter of [highest, highest + 1, Number.MAX_SAFE_INTEGER]) {
          await channel.send(newsCodec, { told: [told(peerId, counter)] })
          const { wants } = await channel.receive(newsCodec)
          assert.equal(wants?.length, counter === highest ? 1 : undefined)
          if (wants !== undefined) await channel.send(newsCodec, {})
        }
      })
      const [key] = told(peerId, 0)
      for (const counter of [2n ** 63n, -1]) {
        const refused = withChannel(await hostile.open(connection, hostile.names.news), undefined, async channel => {
          channel.stream.send(framed(encode({ told: [[key, counter]] })))
          await channel.receive(newsCodec)
        })
        await assert.rejects(refused)
      }
      assert.equal(victim.directory.member(peerId)?.report?.counter, 5)
      await stillHears(victim, honest)
    },
  },
  {
    id: 'news-revoked',
    power: 'device key',
    tried:
      'tells of a newer report of a member, is asked for it, and sends it when that member is revoked; then tells of it once more',
    expected: 'the report is not taken, and not asked for any more; news of an honest member arrive',
    async run(arena) {
      const { victim, hostile, connection, honest } = await scene(arena)
      const signer = testSigner('lost')
      const lost = peerIdOf(signer.publicKey)
      await victim.directory.addCertificate(lost, arena.fleet.certify(signer, { name: 'lost' }))
      const own = { fleet: arena.fleet.fleet, signer }
      await withChannel(await hostile.open(connection, hostile.names.news), undefined, async channel => {
        await channel.send(newsCodec, { told: [told(lost, 9)] })
        assert.equal((await channel.receive(newsCodec)).wants?.length, 1)
        await victim.state.accept(arena.fleet.revoke({ peers: [lost] }).trusted, documentsOf(arena.fleet))
        await until(() => victim.directory.member(lost) === undefined, 'the member to be forgotten')
        await channel.send(newsCodec, { reports: sent(reportOf(own, 9)) })
        await channel.send(newsCodec, { told: [told(lost, 9)] })
        assert.equal((await channel.receive(newsCodec)).wants, undefined)
      })
      assert.equal(victim.directory.report(lost), undefined)
      await stillHears(victim, honest)
    },
  },
  {
    id: 'news-stall',
    power: 'device key',
    tried: 'tells first what others have, is asked for it, and says nothing any more',
    expected: 'the victim hears it from an honest member within seconds',
    async run(arena) {
      const { victim, hostile, connection, honest } = await scene(arena)
      await victim.directory.addReport(reportOf(honest, 5))
      const channel = new Channel(await hostile.open(connection, hostile.names.news))
      await channel.send(newsCodec, { told: [told(honest.identity.peerId, 6)] })
      assert.equal((await channel.receive(newsCodec)).wants?.length, 1)
      await stillHears(victim, honest)
    },
  },
]

/** With an honest member that is connected to the victim, and has links of news with it. */
async function scene(
  arena: Arena,
): Promise<{ victim: Victim; hostile: HostilePeer; connection: Connection; honest: TestPeer }> {
  const victim = await arena.victim({ timing: { newsMs } })
  const honest = await arena.honest({ timing: { newsMs } })
  await connect(honest, victim)
  const hostile = await arena.hostile()
  const connection = await hostile.join(victim)
  await until(() => victim.directory.certificate(hostile.id) && victim.news.neighbours.length > 0, 'links of news')
  return { victim, hostile, connection, honest }
}

const told = (peer: string, counter: number): Told => [
  Uint8Array.from(memberKey(peer).subarray(0, newsKeyLength)),
  counter,
]

function sent(report: Uint8Array): NonNullable<News['reports']> {
  const contents = newsReportsCodec.encode([report])
  return { packed: zstdCompressSync(contents), unpacked: contents.length, whole: [0] }
}

/** What an honest member repeats arrives. */
async function stillHears(victim: Victim, honest: TestPeer): Promise<void> {
  const { peerId } = honest.identity
  await honest.directory.addReport(reportOf(honest, 5))
  const before = honest.directory.report(peerId)
  await honest.directory.addReport(reportOf(honest, 6))
  honest.news.publishOwn(reportOf(honest, 6), before, false)
  await until(() => victim.directory.member(peerId)?.report?.counter === 6, 'the report of an honest member')
}
