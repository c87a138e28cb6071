/** Tests of bulk stream reading and writing: back-pressure, ends, resets and limits. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as tick } from 'node:timers/promises'
import { withCode } from '../../../test/helpers/errors.ts'
import { testStreams } from '../../../test/helpers/streams.ts'
import { readAheadBytes } from '../limits.ts'
import { StreamReader, writeTo } from './stream-io.ts'

describe('writeTo', () => {
  it('holds one piece, however little the reader opens its window', async () => {
    const [ours] = testStreams({ window: 0 })
    const piece = new Uint8Array(1000)
    let sent = 0
    const writing = (async () => {
      for (let each = 0; each < 20; each++) {
        await writeTo(ours, piece)
        sent++
      }
    })()
    for (let each = 0; each < 500; each++) {
      ours.grant(1)
      await tick()
    }
    assert.equal(sent, 0)
    assert.ok(ours.peakBytes <= 1000, `${ours.peakBytes} bytes waited to be sent`)
    while (sent < 20) {
      ours.grant(100)
      await tick()
    }
    await writing
  })

  it('rejects when the stream is reset while bytes wait', async () => {
    const [ours, theirs] = testStreams({ window: 10 })
    const writing = writeTo(ours, new Uint8Array(100))
    theirs.abort(new Error('enough'))
    await assert.rejects(writing, withCode('closed'))
    await assert.rejects(writeTo(ours, new Uint8Array(1)))
  })

  it('rejects with the reason of the signal, and leaves no listener on it', async () => {
    const [ours] = testStreams({ window: 0 })
    const controller = new AbortController()
    const writing = writeTo(ours, new Uint8Array(1), { signal: controller.signal })
    controller.abort(new Error('stopped'))
    await assert.rejects(writing, /stopped/)
    await assert.rejects(writeTo(ours, new Uint8Array(1), { signal: controller.signal }), /stopped/)
  })

  it('gives up after the idle time, which each sign of life begins anew', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const [ours] = testStreams({ window: 0 })
    const writing = writeTo(ours, new Uint8Array(3), { idleMs: 1000 })
    for (let each = 0; each < 2; each++) {
      t.mock.timers.tick(900)
      ours.grant(1)
      await tick()
    }
    t.mock.timers.tick(1000)
    await assert.rejects(writing, withCode('timed-out'))
  })
})

describe('StreamReader', () => {
  it('reads what came before the reader did, then the end', async () => {
    const [ours, theirs] = testStreams()
    ours.send(Buffer.from('early'))
    await ours.close()
    await tick()
    await tick()
    const reader = new StreamReader(theirs)
    assert.equal(Buffer.from((await reader.next()) ?? []).toString(), 'early')
    assert.equal(await reader.next(), undefined)
    assert.equal(await reader.next(), undefined)
  })

  it('sees an end that came before the reader did', async () => {
    const [ours, theirs] = testStreams()
    await ours.close()
    await tick()
    assert.equal(await new StreamReader(theirs).next(), undefined)
  })

  it('rejects when the stream was, or is, reset', async () => {
    const [ours, theirs] = testStreams()
    const reader = new StreamReader(theirs)
    const reading = reader.next()
    ours.abort(new Error('no more'))
    await assert.rejects(reading)
    await assert.rejects(reader.next())
    await assert.rejects(new StreamReader(theirs).next(), withCode('closed'))
    await assert.rejects(new StreamReader(ours).next(), withCode('closed'))
  })

  it('hands out what arrived before a reset', async () => {
    const [ours, theirs] = testStreams()
    const reader = new StreamReader(theirs)
    ours.send(Buffer.from('some'))
    await tick()
    ours.abort(new Error('no more'))
    await tick()
    assert.equal(Buffer.from((await reader.next()) ?? []).toString(), 'some')
    await assert.rejects(reader.next())
  })

  it('pauses a stream whose bytes nobody takes, and goes on when they are taken', async () => {
    const [ours, theirs] = testStreams()
    const reader = new StreamReader(theirs)
    const piece = new Uint8Array(readAheadBytes / 4)
    for (let each = 0; each < 12; each++) {
      ours.send(piece)
      await tick()
    }
    assert.equal(theirs.readStatus, 'paused')
    assert.ok(theirs.readBufferLength >= piece.length * 5)
    await ours.close()
    let read = 0
    for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) read += chunk.length
    assert.equal(read, piece.length * 12)
  })

  it('puts bytes back', async () => {
    const [ours, theirs] = testStreams()
    const reader = new StreamReader(theirs)
    ours.send(Buffer.from('abc'))
    const bytes = (await reader.next()) ?? new Uint8Array()
    reader.unread(bytes.subarray(1))
    reader.unread(new Uint8Array())
    assert.equal(Buffer.from((await reader.next()) ?? []).toString(), 'bc')
  })

  it('gives up after its time, or with the signal', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const [, theirs] = testStreams()
    const reader = new StreamReader(theirs)
    const idle = reader.next({ idleMs: 50 })
    t.mock.timers.tick(50)
    await assert.rejects(idle, withCode('timed-out'))
    await assert.rejects(
      (() => {
        const reading = reader.next({ until: performance.now() - 1 })
        t.mock.timers.tick(1)
        return reading
      })(),
      withCode('timed-out'),
    )
    const controller = new AbortController()
    const aborted = reader.next({ signal: controller.signal })
    controller.abort(new Error('stopped'))
    await assert.rejects(aborted, /stopped/)
  })
})
