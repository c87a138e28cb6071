/** Tests of documents as deltas: the delta travels, or the whole document where there is no base. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { packNamed } from '../../node/mesh/exchange/named-documents.ts'
import { withChannel } from '../../node/mesh/transport/channel.ts'
import { openStream } from '../../node/mesh/transport/open-stream.ts'
import { namedDocuments } from '../../node/state/named-documents.ts'
import { sha256, sha256Hex } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import {
  answerCodec,
  type DocumentRequest,
  documentRequestCodec,
  namedDocumentsCodec,
} from '../../protocol/messages/messages.ts'
import { withCode } from '../helpers/errors.ts'
import { testFleet } from '../helpers/fleet.ts'
import { connect, documentsOf, gossiping, mesh, type TestPeer } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

/** Random, so that nothing but the base makes the second one smaller. */
const before = new Uint8Array(randomBytes(30_000))
const after = new Uint8Array([...before.subarray(0, 20_000), ...randomBytes(1000), ...before.subarray(20_000)])
const [base, hash] = [sha256(before), sha256(after)]

/** One that asks and one that has the document. */
async function scene(t: TestContext): Promise<[TestPeer, TestPeer]> {
  const { peers } = await mesh(t, 2)
  const [asker, holder] = peers as [TestPeer, TestPeer]
  await connect(asker, holder)
  await holder.state.keepDocument(after)
  return [asker, holder]
}

/** The answer to a request, and the number of bytes of its body. */
async function answerTo(asker: TestPeer, holder: TestPeer, request: DocumentRequest) {
  const stream = await openStream(asker.host, holder.host.peerId, asker.names.documentDelta)
  return await withChannel(stream, undefined, async channel => {
    await channel.send(documentRequestCodec, request)
    const answer = await channel.receive(answerCodec)
    if ('size' in answer) await channel.bodyBytes(answer.size)
    return answer
  })
}

describe('a document', () => {
  it('comes as what it has beyond one that both have', async t => {
    const [asker, holder] = await scene(t)
    for (const { state } of [asker, holder]) await state.keepDocument(before)
    const answer = await answerTo(asker, holder, { hash, bases: [sha256(new Uint8Array(1)), base] })
    assert.ok('size' in answer && answer.size < 2000)
    assert.deepEqual(answer.base, base)
    const fetched = await asker.documents.fetch(hash, undefined, undefined, undefined, [base])
    assert.ok(Buffer.from(fetched).equals(after))
  })

  it('comes whole from a peer that lacks the base, or has only the old protocol', async t => {
    const [asker, holder] = await scene(t)
    await asker.state.keepDocument(before)
    const answer = await answerTo(asker, holder, { hash, bases: [base] })
    assert.deepEqual(answer, { size: after.length })
    await holder.state.keepDocument(before)
    await holder.host.unhandle(holder.names.documentDelta)
    const fetched = await asker.documents.fetch(hash, undefined, undefined, undefined, [base])
    assert.ok(Buffer.from(fetched).equals(after))
  })

  it('is not taken by a base that was not offered', async t => {
    const [asker, holder] = await scene(t)
    await asker.state.keepDocument(before)
    await holder.host.unhandle(holder.names.documentDelta)
    await holder.host.handle(holder.names.documentDelta, async stream => {
      await withChannel(stream, undefined, async channel => {
        await channel.receive(documentRequestCodec)
        await channel.send(answerCodec, { size: 1, unpacked: after.length, base: hash })
      }).catch(() => {})
    })
    const asking = asker.documents.ask(holder.host.peerId, { hash, bases: [base] }, after.length)
    await assert.rejects(asking, withCode('wrong-base'))
  })
})

describe('the documents of a head', () => {
  for (const [how, missing] of [
    ['come all at once', ['document', 'documentDelta']],
    ['come one by one from a peer of the version before', ['documentsOfHead']],
  ] as const) {
    it(how, async t => {
      const { peers, fleet } = await mesh(t, 2)
      const [asker, holder] = peers as [TestPeer, TestPeer]
      await holder.host.unhandle(missing.map(name => holder.names[name]))
      await connect(asker, holder)
      await gossiping([asker, holder])
      await holder.state.accept(fleet.release({ message: 'news' }).trusted, documentsOf(fleet))
      await until(() => asker.state.accepted?.release.version === 2, 'the release to come')
    })
  }

  it('are those that the requester lacks, and none of another head', async t => {
    const { peers, fleet } = await mesh(t, 1)
    const [{ state }] = peers as [TestPeer]
    const { trusted } = fleet.release({ message: 'news' })
    await state.accept(trusted, documentsOf(fleet))
    const named = sha256(trusted.timestamp?.bytes ?? assert.fail())
    const without = sha256(trusted.snapshot?.bytes ?? assert.fail()).subarray(0, 4)
    const documents = async (prefixes: Uint8Array) => {
      const answer = await packNamed(state, { named, without: prefixes })
      return namedDocumentsCodec.decode(answer ?? assert.fail()).documents
    }
    const all = await documents(new Uint8Array())
    assert.deepEqual(all.map(sha256Hex), namedDocuments(trusted))
    assert.deepEqual(await documents(without), all.slice(1))
    assert.equal(await packNamed(state, { named: sha256(named), without }), undefined)
  })

  it('that are large are left out', async () => {
    const { trusted } = testFleet().published
    const large = { accepted: { trusted }, document: async () => new Uint8Array(limits.namedDocumentsBytes / 2) }
    const named = sha256(trusted.timestamp?.bytes ?? assert.fail())
    const answer = await packNamed(large as never, { named, without: new Uint8Array() })
    assert.equal(namedDocumentsCodec.decode(answer ?? assert.fail()).documents.length, 1)
  })
})
