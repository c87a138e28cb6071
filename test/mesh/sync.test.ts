/** Tests of sync: fingerprints where both hold the same, ranges where they don't, and whole lists with older peers. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Turns } from '../../node/concurrency/turns.ts'
import { memberKey, rankNumber } from '../../node/mesh/exchange/holdings.ts'
import { batchedItems } from '../../node/mesh/exchange/sync-items.ts'
import { withChannel } from '../../node/mesh/transport/channel.ts'
import { openStream } from '../../node/mesh/transport/open-stream.ts'
import { digestCodec, summaryCodec, syncItemCodec, syncProtocols } from '../../protocol/messages/messages.ts'
import { type Held, openingCodec, rangesCodec } from '../../protocol/messages/ranges.ts'
import { connect, mesh, reportOf, type TestPeer } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

const reportAt = (at: TestPeer, of: TestPeer) => at.directory.report(of.identity.peerId)?.document.counter

/** Both connected, after what admission has them say to each other. */
async function acquainted(t: Parameters<typeof mesh>[0]): Promise<[TestPeer, TestPeer]> {
  const { peers } = await mesh(t, 2)
  const [a, b] = peers as [TestPeer, TestPeer]
  await connect(a, b)
  await until(() => [a, b].every(({ directory }) => directory.certificates().length === 2), 'certificates')
  return [a, b]
}

describe('sync', () => {
  it('sends no list to a peer that holds the same', async t => {
    const [a, b] = await acquainted(t)
    const stream = await openStream(a.host, b.host.peerId, a.names.syncByDigests)
    await withChannel(stream, undefined, async channel => {
      // We say that we hold the same.
      await channel.send(summaryCodec, await channel.receive(summaryCodec))
      const item = await channel.receive(syncItemCodec)
      assert.ok('end' in item || 'addresses' in item)
      await channel.send(syncItemCodec, { end: true })
    })
  })

  it('sends its list to a peer that holds something else', async t => {
    const [a, b] = await acquainted(t)
    const stream = await openStream(a.host, b.host.peerId, a.names.syncByDigests)
    await withChannel(stream, undefined, async channel => {
      await channel.receive(summaryCodec)
      await channel.send(summaryCodec, { digest: new Uint8Array(32) })
      const { members, head } = await channel.receive(digestCodec)
      assert.deepEqual(
        members.map(({ peer }) => peer),
        [a.identity.peerId, b.identity.peerId].sort(),
      )
      await channel.send(digestCodec, { members, ...(head && { head }) })
      await channel.send(syncItemCodec, { end: true })
    })
  })

  it('is spoken with a peer of the version before, which asks without waiting for the other side', async t => {
    const [a, b] = await acquainted(t)
    await b.directory.addReport(reportOf(b, 5))
    const stream = await openStream(a.host, b.host.peerId, a.names.syncByDigests)
    await withChannel(stream, undefined, async channel => {
      await channel.send(summaryCodec, { digest: new Uint8Array(32) })
      await channel.receive(summaryCodec)
      await channel.send(digestCodec, { members: [] })
      assert.equal((await channel.receive(digestCodec)).members.length, 2)
      await channel.send(syncItemCodec, { end: true })
      const items = []
      for (let item = await channel.receive(syncItemCodec); !('end' in item); ) {
        items.push(Object.keys(item)[0])
        item = await channel.receive(syncItemCodec)
      }
      assert.deepEqual(items.filter(kind => kind === 'report').length, 1)
    })
  })

  it('waits for a peer of the version before, which answers without waiting', async t => {
    const [a, b] = await acquainted(t)
    const heard = Promise.withResolvers<number>()
    await b.host.unhandle([b.names.sync, b.names.syncByLongPrints, b.names.syncByDigests])
    await b.host.handle(b.names.syncByDigests, stream => {
      withChannel(stream, undefined, async channel => {
        await channel.send(summaryCodec, { digest: new Uint8Array(32) })
        await channel.receive(summaryCodec)
        await channel.send(digestCodec, { members: [] })
        heard.resolve((await channel.receive(digestCodec)).members.length)
        await channel.send(syncItemCodec, { end: true })
      }).catch(heard.reject)
    })
    await until(async () => {
      await a.sync.syncWith(b.host.peerId)
      return await Promise.race([heard.promise, false])
    }, 'the digest')
    assert.equal(await heard.promise, 2)
  })

  it('brings what only one side holds', async t => {
    const [a, b] = await acquainted(t)
    await a.directory.addReport(reportOf(a, 3))
    await b.directory.addReport(reportOf(b, 5))
    await until(async () => {
      // One that has begun before the reports came is all there is while it lasts.
      await a.sync.syncWith(b.host.peerId)
      return reportAt(b, a) === 3 && reportAt(a, b) === 5
    }, 'both reports')
  })

  it('brings a report that was published before anybody had subscribed', async t => {
    const [a, b] = await acquainted(t)
    const { pubsub } = a.host.services
    for (const topic of [b.names.reports, b.names.extendedReports]) {
      b.host.services.pubsub.unsubscribe(topic)
      await until(() => pubsub.getSubscribers(topic).length === 0, 'the other one to have unsubscribed')
    }
    // Those of the new connection have ended: none of them brings it.
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      await one.sync.syncWith(other.host.peerId)
    let unheard = 0
    a.gossip.on('unheard', () => unheard++)
    await a.directory.addReport(reportOf(a, 3))
    a.gossip.publishOwnReport(reportOf(a, 3))
    await until(() => reportAt(b, a) === 3, 'the report')
    // Without it, the next repeated sync would have brought it, up to a minute later.
    assert.equal(unheard, 1)
  })

  it('that is asked for again while it lasts is done once more', async t => {
    const [a, b] = await acquainted(t)
    let opened = 0
    await b.host.unhandle(syncProtocols(b.names))
    await b.host.handle(b.names.sync, stream => {
      opened += 1
      // One that fails counts as well.
      if (opened === 1) void a.sync.syncWith(b.host.peerId, { again: true })
      stream.abort(new Error('done'))
    })
    await until(async () => {
      // One of the new connection may be under way still.
      opened = 0
      await a.sync.syncWith(b.host.peerId)
      return opened === 2
    }, 'two for one')
  })

  it('is spoken with peers of each older version', async t => {
    for (const older of [1, 2, 3, 4]) {
      const [a, b] = await acquainted(t)
      await b.host.unhandle(syncProtocols(b.names).slice(0, older))
      await a.directory.addReport(reportOf(a, 3))
      await until(
        async () => {
          await a.sync.syncWith(b.host.peerId)
          return reportAt(b, a) === 3
        },
        `the report, by ${syncProtocols(b.names)[older]}`,
      )
    }
  })

  it('by ranges opens with fingerprints, and says no more to a peer that has the same', async t => {
    const [a, b] = await acquainted(t)
    const stream = await openStream(a.host, b.host.peerId, a.names.sync)
    await withChannel(stream, undefined, async channel => {
      await channel.send(openingCodec, await channel.receive(openingCodec))
      const items = batchedItems(channel)
      for (let batch = await items.receive(); batch !== undefined; batch = await items.receive()) {
        assert.ok(batch.every(item => 'addresses' in item))
      }
      await items.end()
    })
  })

  it('by ranges makes progress while it compares', async t => {
    const [a, b] = await acquainted(t)
    let progress = 0
    const take = Turns.prototype.take
    t.mock.method(Turns.prototype, 'take', async function (this: Turns, ...args: Parameters<typeof take>) {
      const turn = await take.apply(this, args)
      const made = turn.progress
      turn.progress = () => {
        progress++
        made()
      }
      return turn
    })
    const stream = await openStream(a.host, b.host.peerId, a.names.sync)
    await withChannel(stream, undefined, async channel => {
      await channel.send(openingCodec, { ...(await channel.receive(openingCodec)), print: new Uint8Array(16) })
      await channel.send(rangesCodec, { ranges: [[new Uint8Array(), new Uint8Array(16)]], wants: [] })
      await channel.receive(rangesCodec)
      assert.ok(progress > 0)
    })
  })

  it('by ranges sends what the other side lacks or wants, and takes what it is sent', async t => {
    const [a, b] = await acquainted(t)
    await b.directory.addReport(reportOf(b, 5))
    const stream = await openStream(a.host, b.host.peerId, a.names.sync)
    await withChannel(stream, undefined, async channel => {
      const theirs = await channel.receive(openingCodec)
      await channel.send(openingCodec, { ...theirs, print: new Uint8Array(16) })
      // We know its certificate only, and a report of our own.
      const certificate = b.directory.certificate(b.identity.peerId)?.document
      assert.ok(certificate !== undefined)
      const us = [memberKey(a.identity.peerId), rankNumber(certificate), 4] as Held
      const list = [us, [memberKey(b.identity.peerId), rankNumber(certificate), 0] as Held]
      await channel.send(rangesCodec, { ranges: [[new Uint8Array(), list]], wants: [] })
      assert.deepEqual(await channel.receive(rangesCodec), { ranges: [], wants: [[us[0], 2]] })
      const items = batchedItems(channel)
      await items.send({ report: reportOf(a, 4) })
      await items.end()
      const received = []
      for (let batch = await items.receive(); batch !== undefined; batch = await items.receive())
        received.push(...batch)
      assert.deepEqual(
        received.filter(item => !('addresses' in item)).map(item => Object.keys(item)[0]),
        ['report'],
      )
    })
    await until(() => reportAt(b, a) === 4, 'our report')
  })
})
