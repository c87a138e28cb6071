/** A member that is asked for documents: wrong bytes, bombs, too many, too slow. And one that asks. */

import assert from 'node:assert/strict'
import { zstdCompressSync } from 'node:zlib'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import { LogService } from '../../../node/logs/log-service.ts'
import { servedDocuments } from '../../../node/mesh/limits.ts'
import { withChannel } from '../../../node/mesh/transport/channel.ts'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import { logRequestCodec } from '../../../protocol/messages/logs.ts'
import { type Answer, answerCodec, documentRequestCodec } from '../../../protocol/messages/messages.ts'
import { withCode } from '../../helpers/errors.ts'
import { connect } from '../../helpers/mesh.ts'
import { until } from '../../helpers/until.ts'
import type { Attack } from '../attack.ts'
import type { Twisted } from '../hostile-peer.ts'
import { framed } from '../wire.ts'

const bytesOf = (size: number) => Buffer.alloc(size, 7)

/** Bad answers of a member to a request for a document, and the victim's reaction. */
const answers: { id: string; tried: string; because: RegExp; answer: (wanted: Uint8Array) => Twisted }[] = [
  {
    id: 'document-other',
    tried: 'hands out another document than the one that was asked for',
    because: /no reachable member/,
    answer: () => bytesOf(1000),
  },
  {
    id: 'document-giant',
    tried: 'announces a document of 256 GiB',
    because: /no reachable member/,
    answer: () => ({ answer: { size: limits.narSize }, body: [bytesOf(1000)] }),
  },
  {
    id: 'document-bomb',
    tried: 'packs 64 MiB of zeros into a few kilobytes, and calls them 1 KiB',
    because: /no reachable member/,
    answer: () => {
      const body = zstdCompressSync(Buffer.alloc(64 << 20))
      return { answer: { size: body.length, unpacked: 1024 }, body: [body] }
    },
  },
  {
    id: 'document-window',
    tried: 'packs a document so that unpacking it takes a window of 128 MiB',
    because: /no reachable member/,
    answer: wanted => {
      const body = wideFrame(wanted)
      return { answer: { size: body.length, unpacked: wanted.length }, body: [body] }
    },
  },
  {
    id: 'document-cut',
    tried: 'ends the stream in the middle of a document',
    because: /no reachable member/,
    answer: () => ({ answer: { size: 10_000 }, body: [bytesOf(100)] }),
  },
  {
    id: 'document-endless',
    tried: 'goes on sending after the end of the document',
    because: /no reachable member/,
    answer: () => ({ answer: { size: 100 }, body: Array.from({ length: 64 }, () => bytesOf(1 << 16)) }),
  },
]

export const documentAttacks: Attack[] = [
  ...answers.map(
    ({ id, tried, because, answer }): Attack => ({
      id,
      power: 'device key',
      tried,
      expected: 'refused, nothing kept; the document comes from an honest member',
      async run(arena) {
        const wanted = arena.fleet.published.trusted.snapshot?.bytes
        assert.ok(wanted)
        const victim = await arena.victim()
        const hostile = await arena.hostile()
        await hostile.serve({ twist: request => ('hash' in request ? answer(wanted) : undefined) })
        await hostile.join(victim)
        const before = await arena.trust(victim)
        const hash = sha256(wanted)
        await assert.rejects(victim.documents.fetch(hash), because)
        assert.ok(hostile.asked.some(request => 'hash' in request))
        assert.deepEqual(await arena.trust(victim), before)
        await connect(await arena.honest(), victim)
        assert.deepEqual(Buffer.from(await victim.documents.fetch(hash, hostile.host.peerId)), Buffer.from(wanted))
      },
    }),
  ),
  {
    id: 'document-oversized-role',
    power: 'device key',
    tried: 'answers the question for its head with 64 KiB',
    expected: 'not read',
    async run(arena) {
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      await hostile.serve({ head: bytesOf(64 << 10) })
      await hostile.join(victim)
      const asked = victim.documents.ask(hostile.host.peerId, { head: true }, limits.timestamp)
      await assert.rejects(asked, withCode('too-large'))
    },
  },
  {
    id: 'document-never-reads',
    power: 'device key',
    tried: 'asks for documents on 64 streams and never reads an answer',
    expected: `at most ${servedDocuments} answers are held at a time, and others are served`,
    async run(arena) {
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const wanted = arena.fleet.published.trusted.snapshot?.bytes
      assert.ok(wanted)
      const request = framed(documentRequestCodec.encode({ hash: sha256(wanted) }))
      const streams = await Promise.allSettled(
        Array.from({ length: 64 }, async () => {
          const stream = await hostile.open(connection, victim.names.document)
          stream.pause()
          stream.send(request)
          return stream
        }),
      )
      assert.ok(streams.some(({ status }) => status === 'fulfilled'))
      const honest = await arena.honest()
      await connect(honest, victim)
      assert.deepEqual(
        Buffer.from(await honest.documents.fetch(sha256(wanted), victim.host.peerId)),
        Buffer.from(wanted),
      )
      const open = () => victim.host.getConnections(hostile.host.peerId).flatMap(each => each.streams).length
      assert.ok(open() <= 32, `${open()} streams are open`)
    },
  },
  {
    id: 'document-half-request',
    power: 'device key',
    tried: 'begins requests on every stream that it may open and never ends them',
    expected: 'others are served; the streams end when their time is over',
    async run(arena) {
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const opened = await Promise.allSettled(
        Array.from({ length: 64 }, async () => {
          const stream = await hostile.open(connection, victim.names.document)
          stream.send(framed(new Uint8Array(1), 40))
          return stream
        }),
      )
      assert.ok(opened.length > 0)
      await arena.goesOn(victim)
      const open = () =>
        connection.streams.filter(each => each.protocol === victim.names.document && each.status === 'open')
      await until(() => open().length === 0, 'the half requests to end')
    },
  },
  {
    id: 'log-by-device',
    power: 'device key',
    tried:
      "asks a device for its journal, its history and an activation's log, and for units with options in their names",
    expected: 'not served: only controllers are answered; nothing is read',
    async run(arena) {
      const victim = await arena.victim()
      const { host, names, admission, identity } = victim
      let reads = 0
      const read = async () => {
        reads++
        return 'a secret'
      }
      const logs = new LogService({
        host,
        names,
        admission,
        history: { of: async () => [] },
        journal: read,
        activation: async () => Buffer.from(await read()),
        peer: identity.peerId,
        log: victim.log.logger,
      })
      await logs.start()
      arena.ending.after(() => logs.stop())
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const asked = async (question: Uint8Array): Promise<Answer> => {
        const stream = await hostile.open(connection, names.log)
        return await withChannel(stream, undefined, async channel => {
          stream.send(framed(question))
          return await channel.receive(answerCodec)
        })
      }
      for (const request of [
        { journal: { lines: 5 } },
        { history: true },
        { activation: new Uint8Array(32) },
      ] as const) {
        assert.deepEqual(await asked(logRequestCodec.encode(request)), { error: 'not-served' })
      }
      await assert.rejects(asked(encodeCbor({ journal: { lines: 5, unit: '--file=/etc/shadow' } })))
      assert.equal(reads, 0)
    },
  },
  {
    id: 'document-unreleased',
    power: 'device key',
    tried: 'asks for documents, roots and certificates that are not there, and for entries of other tables',
    expected: 'not found, each of them',
    async run(arena) {
      const victim = await arena.victim()
      await victim.peerState.own.setCertificate(victim.certificate)
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const nothing = { error: 'not-found' }
      assert.deepEqual(await hostile.ask(connection, { hash: sha256(Buffer.from('nothing')) }), nothing)
      assert.deepEqual(await hostile.ask(connection, { root: 2 ** 48 }), nothing)
      assert.deepEqual(
        await hostile
          .ask(connection, { certificate: arena.fleet.published.fleet && hostile.id.replace(/.$/, 'x') })
          .catch(() => nothing),
        nothing,
      )
    },
  },
]

/** A zstd frame that holds these bytes as they are, and claims a window of 128 MiB (RFC 8878, section 3.1.1). */
function wideFrame(bytes: Uint8Array): Uint8Array {
  const windowLog = 27
  const block = Buffer.alloc(3)
  block.writeUIntLE(1 | (bytes.length << 3), 0, 3)
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3]), block, bytes])
}
