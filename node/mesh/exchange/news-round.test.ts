/** Tests of rounds of news: what is sent, by which differences, and what neighbours that lie bring about. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { limits } from '../../../protocol/limits.ts'
import { type News, newsCodec, newsKeyLength, newsReportsCodec } from '../../../protocol/messages/news.ts'
import { ReportError } from '../../../protocol/report/report.ts'
import { withCode } from '../../../test/helpers/errors.ts'
import { type LargeDevice, LargeFleet } from '../../../test/helpers/large-fleet.ts'
import { NewsSide } from '../../../test/helpers/news-side.ts'
import { testStreams } from '../../../test/helpers/streams.ts'
import { Channel } from '../transport/channel.ts'
import { memberKey } from './holdings.ts'
import { printOf } from './news-book.ts'

const large = new LargeFleet(limits.newsTold + 2)
const devices = large.devices as [LargeDevice, LargeDevice, ...LargeDevice[]]
const [first, second] = devices

/** Signed once: all of one counter that many tests begin with. */
const begins = new Map([1, 5].map(counter => [counter, devices.map(each => large.report(each, counter))]))

function sides(known: 1 | 5 = 1): { one: NewsSide; other: NewsSide } {
  const [one, other] = [new NewsSide(large), new NewsSide(large)]
  for (const side of [one, other]) for (const report of begins.get(known) ?? []) side.take(report)
  for (const [side, neighbour] of [
    [one, 'other'],
    [other, 'one'],
  ] as const)
    side.round(neighbour)
  return { one, other }
}

/** Two ends of one stream. */
function channels(): [Channel, Channel] {
  const [left, right] = testStreams()
  return [new Channel(left), new Channel(right)]
}

/** A round that one begins; resolves to whether there may be more, and the bytes that both have sent. */
async function round(one: NewsSide, other: NewsSide): Promise<{ more: boolean; bytes: number }> {
  const [asking, answering] = channels()
  let bytes = 0
  for (const channel of [asking, answering]) channel.onReceived = count => (bytes += count)
  const answered = answering.receive(newsCodec).then(said => other.round('one').answer(answering, said))
  const [{ more }] = await Promise.all([one.round('other').ask(asking), answered])
  return { more, bytes }
}

/** Answers a round that a peer begins with these messages, one after the other; resolves when the honest side is done. */
async function answered(honest: NewsSide, messages: readonly News[]): Promise<News[]> {
  const [asking, answering] = channels()
  const heard: News[] = []
  const done = answering.receive(newsCodec).then(said => honest.round('one').answer(answering, said))
  done.catch(() => answering.abort(new Error('the end')))
  for (const message of messages) await asking.send(newsCodec, message)
  await done
  for (;;) {
    const said = await asking.receive(newsCodec, 50).catch(() => undefined)
    if (said === undefined) return heard
    heard.push(said)
  }
}

const told = (device: LargeDevice, counter: number): NonNullable<News['told']>[number] => [
  Uint8Array.from(memberKey(device.peer).subarray(0, newsKeyLength)),
  counter,
]

function sent(reports: Uint8Array[], dictionary?: Uint8Array): NonNullable<News['reports']> {
  const contents = newsReportsCodec.encode(reports)
  const packed = Uint8Array.from(zstdCompressSync(contents, { ...(dictionary && { dictionary }) }))
  return { packed, unpacked: contents.length }
}

describe('a round of news', () => {
  it('brings each side what is new to the other one, as differences', async () => {
    const { one, other } = sides()
    one.take(large.report(first, 2))
    other.take(large.report(second, 2))
    const { bytes } = await round(one, other)
    assert.deepEqual([other.counter(first.peer), one.counter(second.peer)], [2, 2])
    // 747 bytes each in full, of which zstd alone leaves 480.
    assert.ok(bytes < 2 * 200, `${bytes} bytes`)
    assert.deepEqual(
      [...other.book.take('one'), ...one.book.take('other')],
      [],
      'what came from there is not told back',
    )
  })

  it('takes ten bytes where there is nothing new', async () => {
    const { one, other } = sides()
    assert.equal((await round(one, other)).bytes, 10)
  })

  it('sends a report as it is to a side that lacks the one before, and none that the other side has', async () => {
    const { one, other } = sides()
    one.take(large.report(first, 2))
    one.take(large.report(first, 3))
    one.take(large.report(second, 2))
    other.take(large.report(second, 2))
    await round(one, other)
    assert.equal(other.counter(first.peer), 3)
    assert.deepEqual(other.taken, [first.peer])
  })

  it('tells much in several rounds', async () => {
    const { one, other } = sides()
    for (const device of devices) one.take(large.report(device, 2))
    assert.equal((await round(one, other)).more, true)
    assert.equal((await round(one, other)).more, false)
    assert.ok(devices.every(({ peer }) => other.counter(peer) === 2))
  })

  it('tells in the next round what was too much for one message', async () => {
    const { one, other } = sides()
    for (const device of devices.slice(0, 64))
      one.take(large.report(device, 2, { error: { code: 'x', message: 'x'.repeat(1_000) } }))
    while ((await round(one, other)).more);
    assert.ok(devices.slice(0, 64).every(({ peer }) => other.counter(peer) === 2))
  })

  it('sends nothing of who is no member any more, and asks for nothing of who never was', async () => {
    const { one, other } = sides()
    one.take(large.report(first, 2))
    one.forget(first.peer)
    one.take(large.report(second, 2))
    other.forget(second.peer)
    await round(one, other)
    assert.equal(other.counter(first.peer), 1)
    assert.deepEqual(other.taken, [])
  })
})

describe('a neighbour that lies', () => {
  it('is asked for no older report, for none beyond the limit of counters, and for none that is not sent', async () => {
    const { other } = sides(5)
    const said = await answered(other, [{ told: [told(first, 4), told(second, Number.MAX_SAFE_INTEGER)] }])
    assert.deepEqual(said, [{}])
    assert.deepEqual(await answered(other, [{ told: [told(first, 6)] }, {}]), [
      { wants: [[0, printOf(large.report(first, 5))]] },
    ])
    assert.equal(other.counter(first.peer), 5)
  })

  it('replays an older report in vain, and signs in vain for others', async () => {
    const { other } = sides(5)
    await answered(other, [{ told: [told(first, 9)] }, { reports: { ...sent([large.report(first, 4)]), whole: [0] } }])
    assert.equal(other.counter(first.peer), 5)
    const forged = large.report({ ...second, peer: first.peer }, 9)
    const wrong = answered(other, [{ told: [told(first, 9)] }, { reports: { ...sent([forged]), whole: [0] } }])
    await assert.rejects(wrong, ReportError)
    const another = answered(other, [
      { told: [told(first, 9)] },
      { reports: { ...sent([large.report(second, 9)]), whole: [0] } },
    ])
    await assert.rejects(another, withCode('malformed'))
    assert.equal(other.counter(first.peer), 5)
  })

  it('packs more than it says, and is blamed', async () => {
    const { other } = sides(5)
    const begin = { told: [told(first, 9)] }
    const bomb = {
      packed: Uint8Array.from(zstdCompressSync(Buffer.alloc(64 << 20))),
      unpacked: limits.newsReports,
      whole: [0],
    }
    await assert.rejects(answered(other, [begin, { reports: bomb }]), FormatError)
    await assert.rejects(answered(other, [begin, { reports: { ...sent([]), whole: [0] } }]), FormatError)
  })

  it('is not blamed for what builds on another report than ours, tells it again, and is asked for the whole', async () => {
    const { other } = sides(5)
    const next = large.report(first, 9)
    const begin = { told: [told(first, 9)] }
    // Copies of a device, and one that makes others look guilty, have two reports with one fingerprint.
    const unreadable = sent([next], Buffer.concat([next, Buffer.alloc(7)]))
    const forged = sent([large.report({ ...second, peer: first.peer }, 9)], newsReportsCodec.encode([next]))
    for (const reports of [unreadable, forged]) {
      await answered(other, [begin, { reports }])
      assert.deepEqual(await answered(other, [{}]), [{ again: [begin.told[0]?.[0]] }])
      assert.deepEqual(await answered(other, [begin, {}]), [{ wants: [[0, new Uint8Array()]] }])
    }
    assert.deepEqual(await answered(other, [{}]), [{}])
    await answered(other, [begin, { reports: { ...sent([next]), whole: [0] } }])
    assert.equal(other.counter(first.peer), 9)
  })

  it('has told in vain of what it does not send, of what is older than it said, and of what there can not be', async () => {
    const { other } = sides(1)
    const both = { told: [told(first, 9), told(second, 9)] }
    await answered(other, [both, { reports: { ...sent([new Uint8Array(), large.report(second, 8)]), whole: [0, 1] } }])
    assert.equal(other.inVain, 2)
    await answered(other, [{ told: [told(first, 9)] }, {}])
    await answered(other, [{ told: [told(first, Number.MAX_SAFE_INTEGER)] }])
    assert.equal(other.inVain, 4)
    await answered(other, [{ told: [told(first, 9)] }, { reports: { ...sent([large.report(first, 9)]), whole: [0] } }])
    assert.equal(other.inVain, 4)
  })

  it('blames nobody for reports of members who were revoked between the telling and the sending', async () => {
    const { other } = sides(1)
    const [asking, answering] = channels()
    const done = answering.receive(newsCodec).then(said => other.round('one').answer(answering, said))
    await asking.send(newsCodec, { told: [told(first, 9), told(second, 9)] })
    assert.equal((await asking.receive(newsCodec)).wants?.length, 2)
    other.forget(first.peer)
    await asking.send(newsCodec, { reports: { ...sent([new Uint8Array(), new Uint8Array()]), whole: [0, 1] } })
    await done
    assert.equal(other.inVain, 1)
  })

  it('is told again what it could not read: what it was told lately, and once', async () => {
    const { other } = sides()
    other.take(large.report(first, 2))
    const [item] = [told(first, 2)]
    assert.deepEqual(await answered(other, [{}, {}]), [{ told: [item] }])
    const again = [item[0], told(second, 1)[0]]
    assert.deepEqual(await answered(other, [{ again }, {}]), [{ told: [item] }])
    other.book.heard('one', [first.peer, 2])
    assert.deepEqual(await answered(other, [{ again: [told(second, 1)[0]] }]), [{}])
  })

  it('gets what it was told, once', async () => {
    const { other } = sides()
    other.take(large.report(first, 2))
    const whole: NonNullable<News['wants']>[number] = [0, new Uint8Array()]
    const twice = { wants: [whole, whole] }
    await assert.rejects(answered(other, [{}, twice]), withCode('malformed'))
    other.take(large.report(first, 3))
    await assert.rejects(answered(other, [{}, { wants: [[1, new Uint8Array()]] }]), withCode('malformed'))
    // What a round that failed has told is told once more.
    assert.deepEqual(await answered(other, [{}, {}]), [{ told: [told(first, 3)] }])
    assert.deepEqual(await answered(other, [{}]), [{}])
  })
})
