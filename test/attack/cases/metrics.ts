/** Who asks for metrics and silences without being an operator, who claims what it has not sent, and a channel that redirects. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AlertsService } from '../../../node/alerts/alerts-service.ts'
import { post } from '../../../node/alerts/post.ts'
import { withChannel } from '../../../node/mesh/transport/channel.ts'
import { MetricsService } from '../../../node/metrics/metrics-service.ts'
import { alertsRequestCodec } from '../../../protocol/messages/alerts.ts'
import { answerCodec } from '../../../protocol/messages/messages.ts'
import { metricsRequestCodec } from '../../../protocol/messages/metrics.ts'
import { withCode } from '../../helpers/errors.ts'
import type { Attack } from '../attack.ts'
import { framed } from '../wire.ts'

export const metricsAttacks: readonly Attack[] = [
  {
    id: 'metrics-by-device',
    power: 'device key',
    tried: "asks a device for its metrics, and for pages of other programs on the device's loopback address",
    expected: 'not served: only controllers are answered, and only ports that the settings list are read',
    async run(arena) {
      const victim = await arena.victim()
      const { host, names, admission } = victim
      let reads = 0
      const recorder = {
        history: async () => {
          reads++
          return { step: 60 as const, from: 0, points: 0, series: [] }
        },
      }
      const page = () => {
        reads++
        return 'a secret'
      }
      const service = new MetricsService({ host, names, admission, recorder, page, log: victim.log.logger }, [22])
      await service.start()
      arena.ending.after(() => service.stop())
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      for (const request of [
        { history: { step: 60, from: 0, to: 1 } },
        { scrape: { port: 0 } },
        { scrape: { port: 22 } },
      ] as const) {
        const stream = await hostile.open(connection, names.metrics)
        const answer = await withChannel(stream, undefined, async channel => {
          stream.send(framed(metricsRequestCodec.encode(request)))
          return await channel.receive(answerCodec)
        })
        assert.deepEqual(answer, { error: 'not-served' })
      }
      assert.equal(reads, 0)
      await arena.goesOn(victim)
    },
  },
  {
    id: 'alerts-silenced-by-device',
    power: 'device key',
    tried: 'tells a device that sends alerts to be silent about everything',
    expected: 'not served: only controllers are listened to',
    async run(arena) {
      const victim = await arena.victim()
      const { host, names, admission } = victim
      let silences = 0
      const count = async () => {
        silences++
      }
      const book = { silence: count, endSilence: count }
      const service = new AlertsService({
        ...{ host, names, admission, book, log: victim.log.logger },
        seconds: () => 0,
        onChange: () => {},
      })
      await service.start()
      arena.ending.after(() => service.stop())
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const stream = await hostile.open(connection, names.alerts)
      const answer = await withChannel(stream, undefined, async channel => {
        stream.send(framed(alertsRequestCodec.encode({ silence: { for: 86_400 } })))
        return await channel.receive(answerCodec)
      })
      assert.deepEqual(answer, { error: 'not-served' })
      assert.equal(silences, 0)
      await arena.goesOn(victim)
    },
  },
  {
    id: 'alert-webhook-redirect',
    power: 'network',
    tried:
      "as the server of an alert's webhook, redirects to the device's own network, and is named by a private address",
    expected: 'no redirect is followed, and no private address is called where the channel does not allow it',
    async run(arena) {
      let calls = 0
      const inner = createServer((_, reply) => {
        calls++
        reply.end()
      }).listen(0, '127.0.0.1')
      await once(inner, 'listening')
      const target = `http://127.0.0.1:${(inner.address() as AddressInfo).port}/`
      const outer = createServer((_, reply) => reply.writeHead(308, { Location: target }).end()).listen(0, '127.0.0.1')
      await once(outer, 'listening')
      for (const server of [inner, outer]) {
        arena.ending.after(async () => {
          server.closeAllConnections()
          server.close()
        })
      }
      const about = { body: '{}', headers: {}, signal: AbortSignal.timeout(60_000) }
      const url = `http://127.0.0.1:${(outer.address() as AddressInfo).port}/`
      await assert.rejects(post({ ...about, url, private: true }), withCode('not-sent'))
      for (const place of [
        target,
        target.replace('127.0.0.1', '[::ffff:127.0.0.1]'),
        target.replace('127.0.0.1', 'localhost'),
      ]) {
        await assert.rejects(post({ ...about, url: place, private: false }), withCode('private-address'))
      }
      await assert.rejects(
        post({ ...about, url: 'http://169.254.169.254/', private: true }),
        withCode('private-address'),
      )
      assert.equal(calls, 0)
    },
  },
]
