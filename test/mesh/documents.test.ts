/** Tests of documents as deltas: the delta travels, or the whole document where there is no base. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { withChannel } from '../../node/mesh/transport/channel.ts'
import { openStream } from '../../node/mesh/transport/open-stream.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { answerCodec, type DocumentRequest, documentRequestCodec } from '../../protocol/messages/messages.ts'
import { withCode } from '../helpers/errors.ts'
import { connect, mesh, type TestPeer } from '../helpers/mesh.ts'

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
