/** Metrics over real connections: given to controllers alone, and no port is read but those that the device lists. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { askForMetrics, MetricsService } from '../../node/metrics/metrics-service.ts'
import { RingFile } from '../../node/metrics/ring-file.ts'
import { decodeHistory, type MetricsRequest, metricsRequestCodec } from '../../protocol/messages/metrics.ts'
import { withCode } from '../helpers/errors.ts'
import { testSigner } from '../helpers/fleet.ts'
import { silentLogger } from '../helpers/log.ts'
import { connect, liveFleet, Mesh } from '../helpers/mesh.ts'

const begin = 20_000 * 86_400
const day: MetricsRequest = { history: { step: 60, from: begin, to: begin + 599 } }

async function exporter(t: TestContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function scene(t: TestContext, init: { role?: 'controller' | 'device'; ports?: readonly number[] } = {}) {
  const mesh = await Mesh.of(t)
  const fleet = liveFleet()
  const device = await mesh.start({ word: 'device', fleet })
  const certificate = fleet.certify(testSigner('asker'), { name: 'asker', role: init.role ?? 'controller' })
  const asker = await mesh.start({ word: 'asker', fleet, certificate })
  const recorder = await RingFile.open(`${mesh.directory}/metrics`, begin, () => assert.fail())
  mesh.after(() => recorder.close())
  for (let minute = 0; minute < 10; minute++) await recorder.add(begin + minute * 60, { cpu: minute, disk: 70 })
  const { host, names, admission } = device
  const parts = { host, names, admission, recorder, page: () => 'thymesh_peers 1\n', log: silentLogger }
  const service = new MetricsService(parts, init.ports ?? [])
  const served = await mesh.start({ word: 'old', fleet })
  await service.start()
  mesh.after(() => service.stop())
  await connect(asker, device)
  await connect(asker, served)
  const ask = (request: MetricsRequest, of = device) => askForMetrics(asker, of.host.peerId, request)
  return { ask, old: served }
}

describe('a device asked for its metrics', () => {
  it('gives a controller a span of some series, and its page', async t => {
    const { ask } = await scene(t)
    const history = decodeHistory(await ask({ history: { ...day.history, series: ['cpu', 'unheard-of'] } }))
    assert.deepEqual([history.step, history.from], [60, begin])
    assert.deepEqual(
      history.series.map(({ name, average }) => [name, average]),
      [['cpu', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]],
    )
    const temperature = decodeHistory(await ask(day)).series.find(({ name }) => name === 'temperature')
    assert.deepEqual(
      temperature?.average,
      Array.from({ length: 10 }, () => null),
    )
    assert.equal(Buffer.from(await ask({ scrape: { port: 0 } })).toString(), 'thymesh_peers 1\n')
  })

  it('gives another device nothing', async t => {
    const { ask } = await scene(t, { role: 'device' })
    for (const request of [day, { scrape: { port: 0 } }]) await assert.rejects(ask(request), withCode('not-served'))
  })

  it('reads an exporter that its settings list, and no other port', async t => {
    const asked: (string | undefined)[] = []
    const port = await exporter(t, (request, reply) => {
      asked.push(request.url)
      reply.end('node_load1 0.5\n')
    })
    const other = await exporter(t, () => assert.fail('read'))
    const { ask } = await scene(t, { ports: [port] })
    assert.equal(Buffer.from(await ask({ scrape: { port } })).toString(), 'node_load1 0.5\n')
    await assert.rejects(ask({ scrape: { port: other } }), withCode('not-found'))
    assert.deepEqual(asked, ['/metrics'])
  })

  it('follows no redirect of an exporter, and reads no endless page', async t => {
    const target = await exporter(t, () => assert.fail('followed'))
    const redirects = await exporter(t, (_, reply) =>
      reply.writeHead(302, { Location: `http://127.0.0.1:${target}/metrics` }).end(),
    )
    const endless = await exporter(t, (_, reply) => {
      const more = () => {
        while (reply.write(Buffer.alloc(65_536, 'x')));
        reply.once('drain', more)
      }
      more()
    })
    const { ask } = await scene(t, { ports: [redirects, endless] })
    for (const port of [redirects, endless]) await assert.rejects(ask({ scrape: { port } }), withCode('failed'))
  })

  it('of the version before says that it is too old', async t => {
    const { ask, old } = await scene(t)
    await assert.rejects(ask(day, old), withCode('not-understood'))
  })
})

describe('requests for metrics', () => {
  it('are bounded', () => {
    for (const wrong of [
      { history: { step: 61, from: 0, to: 1 } },
      { history: { step: 60, from: -1, to: 1 } },
      { history: { step: 60, from: 0, to: 2 ** 40 } },
      { history: { step: 60, from: 0, to: 1, series: Array.from({ length: 10_000 }, () => 'cpu') } },
      { scrape: { port: 65_536 } },
      { scrape: { port: 80, path: '/secrets' } },
    ]) {
      assert.throws(() => metricsRequestCodec.encode(wrong as MetricsRequest), withCode('malformed'))
    }
  })
})
