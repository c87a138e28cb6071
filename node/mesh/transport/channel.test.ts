/** Tests of framed messages and bodies over a stream. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as tick } from 'node:timers/promises'
import { answerCodec, documentRequestCodec } from '../../../protocol/messages/messages.ts'
import { withCode } from '../../../test/helpers/errors.ts'
import { testStreams } from '../../../test/helpers/streams.ts'
import { Channel, withChannel } from './channel.ts'

function channels(options?: { window?: number }) {
  const [ours, theirs] = testStreams(options)
  return { ours: new Channel(ours), theirs: new Channel(theirs), streams: [ours, theirs] as const }
}

describe('Channel', () => {
  it('carries messages and bodies one after the other', async () => {
    const { ours, theirs } = channels()
    const body = Buffer.alloc(200_000, 'thymesh')
    await ours.send(answerCodec, { size: body.length })
    await ours.sendBody([body.subarray(0, 70_000), body.subarray(70_000)])
    await ours.send(answerCodec, { error: 'busy' })
    const answer = await theirs.receive(answerCodec)
    assert.deepEqual(answer, { size: body.length })
    assert.ok(body.equals(await theirs.bodyBytes(body.length)))
    assert.deepEqual(await theirs.receive(answerCodec), { error: 'busy' })
  })

  it('puts together a message that arrives byte by byte', async () => {
    const { ours, theirs, streams } = channels({ window: 0 })
    const sending = ours.send(documentRequestCodec, { hash: new Uint8Array(32).fill(7) })
    const receiving = theirs.receive(documentRequestCodec)
    for (let each = 0; each < 60; each++) {
      streams[0].grant(1)
      await tick()
    }
    await sending
    assert.deepEqual(await receiving, { hash: new Uint8Array(32).fill(7) })
  })

  it('refuses a message longer than its codec allows, unread', async () => {
    const { theirs, streams } = channels()
    streams[0].send(Uint8Array.of(0xff, 0xff, 0xff, 0xff))
    await assert.rejects(theirs.receive(answerCodec), withCode('too-large'))
  })

  it('refuses what is no such message', async () => {
    const { theirs, streams } = channels()
    streams[0].send(Uint8Array.of(0, 0, 0, 1, 0xf6))
    await assert.rejects(theirs.receive(answerCodec), withCode('malformed'))
  })

  it('says so when the stream ends early', async () => {
    const { ours, theirs, streams } = channels()
    streams[0].send(Uint8Array.of(0, 0, 0, 9, 1))
    await ours.close()
    await assert.rejects(theirs.receive(answerCodec), withCode('ended'))
    await assert.rejects(theirs.bodyBytes(1), withCode('ended'))
  })

  it('gives a message as a whole its time, so that dripping bytes does not stretch it', async t => {
    const { theirs, streams } = channels()
    let now = 0
    t.mock.method(performance, 'now', () => now)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const receiving = theirs.receive(answerCodec, 1000)
    const refused = assert.rejects(receiving, withCode('timed-out'))
    for (let each = 0; each < 3; each++) {
      now += 400
      t.mock.timers.tick(400)
      streams[0].send(Uint8Array.of(0))
      await tick()
    }
    await refused
  })
})

describe('converse', () => {
  it('closes the stream after the conversation', async () => {
    const [ours, theirs] = testStreams()
    const [sent, received] = await Promise.all([
      withChannel(ours, undefined, async channel => {
        await channel.send(answerCodec, { size: 1 })
        return 'sent'
      }),
      withChannel(theirs, undefined, channel => channel.receive(answerCodec)),
    ])
    assert.equal(sent, 'sent')
    assert.deepEqual(received, { size: 1 })
    await tick()
    assert.deepEqual([ours.status, theirs.status], ['closed', 'closed'])
  })

  it('resets the stream when the conversation fails', async () => {
    const [ours, theirs] = testStreams()
    await assert.rejects(
      withChannel(ours, undefined, async () => {
        throw new Error('no')
      }),
      /no/,
    )
    await tick()
    assert.deepEqual([ours.status, theirs.status], ['aborted', 'reset'])
  })

  it('ends with its signal', async () => {
    const [ours] = testStreams()
    const controller = new AbortController()
    const talking = withChannel(ours, controller.signal, channel => channel.receive(answerCodec))
    controller.abort(new Error('stopped'))
    await assert.rejects(talking, /stopped/)
    assert.equal(ours.status, 'aborted')
  })
})
