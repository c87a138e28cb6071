/** Comparisons by ranges with a side that lies, never ends, claims more than there is, or packs a bomb. */

import assert from 'node:assert/strict'
import { zstdCompressSync } from 'node:zlib'
import { encode } from '@ipld/dag-cbor'
import type { Connection } from '@libp2p/interface'
import { memberKey } from '../../../node/mesh/exchange/holdings.ts'
import { batchedItems } from '../../../node/mesh/exchange/sync-items.ts'
import { type Channel, withChannel } from '../../../node/mesh/transport/channel.ts'
import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import { certificateKind, readCertificate } from '../../../protocol/members/certificate.ts'
import type { SyncContent } from '../../../protocol/messages/messages.ts'
import { batchCodec, type Opening, openingCodec, rangesCodec } from '../../../protocol/messages/ranges.ts'
import { signEnvelope } from '../../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { connect, documentsOf, reportOf } from '../../helpers/mesh.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import type { HostilePeer } from '../hostile-peer.ts'
import { framed } from '../wire.ts'

const all = new Uint8Array()
const falsePrint = new Uint8Array(16).fill(7)
const farRank = Date.parse('9000-01-01T00:00:00Z') / 1000

export const rangeAttacks: Attack[] = [
  {
    id: 'ranges-loop',
    power: 'device key',
    tried: 'answers each turn of a comparison with a fingerprint that differs, without an end',
    expected: `the victim ends it after ${limits.rangeTurns} turns; another member synchronises`,
    async run(arena) {
      const { victim, hostile, connection } = await scene(arena)
      let turns = 0
      const looping = compare(hostile, connection, async channel => {
        for (; turns < 10 * limits.rangeTurns; turns++) {
          await channel.send(rangesCodec, { ranges: [[all, falsePrint]], wants: [] })
          await channel.receive(rangesCodec)
        }
      })
      await assert.rejects(looping)
      assert.ok(turns <= limits.rangeTurns, `it went on for ${turns} turns`)
      await stillSyncs(arena, victim)
    },
  },
  {
    id: 'ranges-many',
    power: 'device key',
    tried: 'claims 2^31 ranges, members and turns in messages of some bytes, and says ranges that overlap',
    expected: 'each is refused at once; another member synchronises',
    async run(arena) {
      const { victim, hostile, connection } = await scene(arena)
      const header = (type: number) => Buffer.from([type | 26, 0x80, 0, 0, 0])
      const list = Buffer.concat([Buffer.from('a26672616e676573', 'hex'), header(0x80)])
      const bytes = Buffer.concat([Buffer.from('a26672616e676573', 'hex'), header(0x40)])
      const backwards = encode({
        ranges: [
          [Uint8Array.of(2), falsePrint],
          [Uint8Array.of(1), falsePrint],
        ],
        wants: [],
      })
      for (const message of [list, bytes, header(0x80), backwards]) {
        const refused = compare(hostile, connection, async channel => {
          channel.stream.send(framed(message))
          await channel.receive(rangesCodec)
        })
        await assert.rejects(refused)
      }
      await stillSyncs(arena, victim)
    },
  },
  {
    id: 'ranges-lie',
    power: 'device key',
    tried:
      'lists every member with a certificate of the year 9000 and the highest counter, invents members, and sends none',
    expected: 'the victim keeps what it has, and gets what is new from an honest member',
    async run(arena) {
      const { victim, hostile, connection } = await scene(arena)
      const before = victim.directory.certificates().length
      const keys = [...victim.directory.certificates().map(({ peer }) => peer), 'nobody', 'nobody else'].map(memberKey)
      const list = keys.sort(Buffer.compare).map((key): [Uint8Array, number, number] => [key, farRank, 2 ** 52])
      await compare(hostile, connection, async channel => {
        await channel.send(rangesCodec, { ranges: [[all, list]], wants: [] })
        assert.equal((await channel.receive(rangesCodec)).wants.length, list.length)
        await exchange(channel, [])
      })
      assert.equal(victim.directory.certificates().length, before)
      await stillSyncs(arena, victim)
    },
  },
  {
    id: 'ranges-counters',
    power: 'device key',
    tried: 'lists members with counters and ranks of 2^63, below zero and of one and a half',
    expected: 'each is refused at once; another member synchronises',
    async run(arena) {
      const { victim, hostile, connection } = await scene(arena)
      const key = memberKey(hostile.id)
      const faults = () => victim.log.count(/sync ranges/, hostile.id)
      for (const [rank, counter] of [
        [1, 2n ** 63n],
        [1, -1],
        [1, 1.5],
        [2n ** 63n, 1],
        [0.5, 1],
      ]) {
        const seen = faults()
        const refused = compare(hostile, connection, async channel => {
          channel.stream.send(framed(encode({ ranges: [[all, [[key, rank, counter]]]], wants: [] })))
          await channel.receive(rangesCodec)
        })
        await assert.rejects(refused)
        await until(() => faults() > seen, 'the victim to refuse it')
      }
      await stillSyncs(arena, victim)
    },
  },
  {
    id: 'ranges-revoked',
    power: 'device key',
    tried:
      'lists a newer report of a member, is asked for it, and sends it, and its certificate, when that member is revoked',
    expected: 'neither is taken; another member synchronises',
    async run(arena) {
      const { victim, hostile, connection } = await scene(arena)
      const signer = testSigner('lost')
      const lost = peerIdOf(signer.publicKey)
      const certificate = arena.fleet.certify(signer, { name: 'lost' })
      await victim.directory.addCertificate(lost, certificate)
      const own = { fleet: arena.fleet.fleet, signer }
      await compare(hostile, connection, async channel => {
        await channel.send(rangesCodec, { ranges: [[all, [[memberKey(lost), 1, 9]]]], wants: [] })
        const { wants } = await channel.receive(rangesCodec)
        // Else nothing was tried.
        assert.ok(wants.some(([key, what]) => equalBytes(key, memberKey(lost)) && what >= 2))
        await victim.state.accept(arena.fleet.revoke({ peers: [lost] }).trusted, documentsOf(arena.fleet))
        await until(() => victim.directory.member(lost) === undefined, 'the member to be forgotten')
        await exchange(channel, [{ certificate, peer: lost }, { report: reportOf(own, 9) }])
      })
      assert.equal(victim.directory.certificate(lost), undefined)
      assert.equal(victim.directory.report(lost), undefined)
      assert.equal(await victim.peerState.database.table('members').get(lost), undefined)
      await stillSyncs(arena, victim)
    },
  },
  {
    id: 'ranges-hide',
    power: 'device key',
    tried: 'says that it holds just what the victim holds, whenever they compare',
    expected: 'the victim gets nothing from it, and all news from an honest member',
    async run(arena) {
      const { victim, hostile, connection } = await scene(arena)
      const stream = await hostile.open(connection, hostile.names.sync)
      await withChannel(stream, undefined, async channel => {
        await channel.send(openingCodec, await channel.receive(openingCodec))
        await exchange(channel, [])
      })
      await stillSyncs(arena, victim)
    },
  },
  {
    id: 'batch-bomb',
    power: 'device key',
    tried: 'packs 64 MiB into a batch, a batch that is longer than it says, and one of rubbish',
    expected: 'each is refused, and never unpacked beyond what was announced; another member synchronises',
    async run(arena) {
      const { victim, hostile, connection } = await scene(arena)
      const bomb = { packed: zstdCompressSync(Buffer.alloc(64 << 20)), unpacked: limits.syncBatch }
      const longer = { packed: zstdCompressSync(Buffer.alloc(1000)), unpacked: 10 }
      for (const batch of [bomb, longer, { packed: Buffer.from('rubbish'), unpacked: 10 }]) {
        const faults = () => victim.log.count(/expected zstd of/, hostile.id)
        const seen = faults()
        await compare(hostile, connection, async channel => {
          await channel.send(rangesCodec, { ranges: [], wants: [] })
          await channel.send(batchCodec, batch)
          for (;;) await channel.receive(batchCodec)
        }).catch(() => {})
        await until(() => faults() > seen, 'the victim to refuse the batch')
      }
      await stillSyncs(arena, victim)
    },
  },
  {
    id: 'batch-foreign',
    power: 'device key',
    tried:
      'sends, in a batch, a report that it signs in the name of another member, and certificates that it signs itself',
    expected: 'none is taken, and what is valid in the same batch is',
    async run(arena) {
      const { victim, hostile, connection } = await scene(arena)
      const [other, own] = [
        peerIdOf(testSigner('other').publicKey),
        { fleet: arena.fleet.fleet, signer: hostile.signer },
      ]
      await victim.directory.addCertificate(other, arena.fleet.certify(testSigner('other'), { name: 'other' }))
      const valid = arena.fleet.certify(testSigner('forged'), { name: 'forged' })
      const forged = signEnvelope(certificateKind, readCertificate(valid), hostile.signer)
      await compare(hostile, connection, async channel => {
        await channel.send(rangesCodec, { ranges: [], wants: [] })
        await exchange(channel, [
          { report: reportOf(own, 9, { peer: other }) },
          { certificate: forged, peer: peerIdOf(testSigner('forged').publicKey) },
          { report: reportOf(own, 4) },
        ])
      })
      await until(() => victim.directory.report(hostile.id)?.document.counter === 4, 'its own report')
      assert.equal(victim.directory.report(other), undefined)
      assert.equal(victim.directory.certificate(peerIdOf(testSigner('forged').publicKey)), undefined)
    },
  },
]

async function scene(arena: Arena): Promise<{ victim: Victim; hostile: HostilePeer; connection: Connection }> {
  const victim = await arena.victim()
  const hostile = await arena.hostile()
  const connection = await hostile.join(victim)
  await until(() => victim.directory.certificate(hostile.id), 'its certificate')
  return { victim, hostile, connection }
}

/** Begins a sync, claims to differ, and goes on as told. */
async function compare(
  hostile: HostilePeer,
  connection: Connection,
  goOn: (channel: Channel) => Promise<void>,
): Promise<void> {
  const stream = await hostile.open(connection, hostile.names.sync)
  await withChannel(stream, undefined, async channel => {
    const opening: Opening = await channel.receive(openingCodec)
    await channel.send(openingCodec, { ...opening, print: falsePrint })
    await goOn(channel)
  })
}

/** Sends these items, and takes what the victim sends. */
async function exchange(channel: Channel, contents: readonly SyncContent[]): Promise<void> {
  const items = batchedItems(channel)
  for (const item of contents) await items.send(item)
  await items.end()
  for (let batch = await items.receive(); batch !== undefined; batch = await items.receive());
}

/** An honest member brings its news by a sync: gossip knows nothing of them. */
async function stillSyncs(arena: Arena, victim: Victim): Promise<void> {
  const honest = await arena.honest()
  await honest.directory.addCertificate(honest.identity.peerId, honest.own.envelope)
  await honest.directory.addReport(reportOf(honest, 7))
  await connect(honest, victim)
  const counter = () => victim.directory.report(honest.identity.peerId)?.document.counter
  await until(() => counter() === 7, 'the report of an honest member')
}
