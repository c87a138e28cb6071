/** Prometheus itself and promtool against the API: the fleet, the devices through the mesh, and what is stale. */

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as listener } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { ApiServer } from '../../controller/api/server.ts'
import { fleetExposition } from '../../controller/queries/fleet-metrics.ts'
import { MetricsService } from '../../node/metrics/metrics-service.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { exposition, sampleFamilies } from '../../protocol/metrics/exposition.ts'
import { metricsExtension } from '../../protocol/metrics/reported.ts'
import type { Sample } from '../../protocol/metrics/series.ts'
import { extendedReportKind } from '../../protocol/report/extended-report.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import { silentLogger } from '../helpers/log.ts'
import { reportOf, type TestPeer } from '../helpers/mesh.ts'
import { served } from '../helpers/served-api.ts'
import { testDirectory } from '../helpers/state.ts'
import { until } from '../helpers/until.ts'

const root = join(import.meta.dirname, '../..')

/** Why it can't run here; CI has it. */
function missing(): string | false {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    if (process.env.CI === 'true') throw new Error('expected CI to have prometheus; scripts/setup --tests installs it')
    return 'needs prometheus (scripts/setup --tests installs it)'
  }
}

const sample: Sample = {
  cpu: 12.5,
  memory: 40,
  disk: 91,
  wear: 40,
  temperature: 51.3,
  load: 0.5,
  uptime: 3600,
  peers: 2,
}

function promtool(args: readonly string[], input = ''): string {
  return execFileSync('promtool', args, { input, encoding: 'utf8', cwd: join(root, 'examples/prometheus') })
}

/** A report of version 2 with measurements, written at a time. */
function measured(device: TestPeer, at: Date, counter = 10): Uint8Array {
  const report = reportOf(device, counter, { state: 'running', release: 1, config: 'web', at: timeText(at) })
  const { fleet, identity } = device
  const document = { v: 2, fleet, peer: identity.peerId, counter: counter + 1, report } as const
  return signEnvelope(extendedReportKind, { ...document, extensions: metricsExtension(sample) }, device.signer)
}

async function freePort(): Promise<number> {
  const server = listener().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function scene(t: TestContext) {
  const made = await served(t)
  const [device = assert.fail()] = made.devices
  const exporter = createServer((_, reply) => reply.end('node_load1 0.25\n')).listen(0, '127.0.0.1')
  await once(exporter, 'listening')
  t.after(() => exporter.close())
  const { port } = exporter.address() as AddressInfo
  const { host, names, admission } = device
  const page = () => exposition(sampleFamilies(sample, { device: device.word, site: '' }))
  const recorder = { history: () => assert.fail() }
  const service = new MetricsService({ host, names, admission, recorder, page, log: silentLogger }, [port])
  await service.start()
  made.mesh.after(() => service.stop())
  const api = await ApiServer.onLoopback(0, 'secret', made.load)
  t.after(() => api.stop())
  return { ...made, device, api, exporterPort: port }
}

describe('Prometheus', { skip: missing() }, () => {
  it('finds nothing wrong with the pages', async t => {
    const { device, controller } = await scene(t)
    await controller.directory.addReport(measured(device, new Date()))
    const page = fleetExposition(controller.door)
    assert.match(page, /thymesh_temperature_celsius\{device="device-1",site=""\} 51\.3/)
    assert.match(page, /thymesh_disk_usage_ratio\{device="device-1",site=""\} 0\.91/)
    promtool(['check', 'metrics'], page)
    const every = {
      ...sample,
      swap: 1,
      'pressure-cpu': 1,
      'pressure-io': 2,
      inodes: 1,
      'under-voltage': 0,
      received: 9,
      sent: 9,
    }
    const hard = { device: 'a "quoted"\\ name\nin lines', site: 'süd' }
    promtool(
      ['check', 'metrics'],
      exposition(sampleFamilies({ ...every, uplink: 1, 'clock-offset': -2, 'failed-units': 0 }, hard)),
    )
  })

  it('is told nothing that is stale, of the future, or no number', async t => {
    const { device, controller } = await scene(t)
    const at = new Date(Math.floor(Date.now() / 1000) * 1000)
    await controller.directory.addReport(measured(device, at))
    const pageAfter = (hours: number) => fleetExposition(controller.door, at.getTime() + hours * 3_600_000)
    assert.match(pageAfter(0.4), /thymesh_cpu_usage_ratio/)
    assert.doesNotMatch(pageAfter(0.6), /thymesh_cpu_usage_ratio/)
    assert.match(pageAfter(0.6), /thymesh_state\{device="device-1",site="",state="running"\} 1/)
    for (const hours of [19, -19]) {
      assert.doesNotMatch(pageAfter(hours), /thymesh_state|thymesh_cpu/)
      assert.match(pageAfter(hours), /thymesh_device_report_timestamp_seconds/)
    }
    assert.equal(exposition(sampleFamilies({ cpu: Number.NaN, load: Number.POSITIVE_INFINITY }, {})), '')
  })

  it('scrapes the fleet, the devices and their exporters through the mesh', async t => {
    const { device, controller, api, exporterPort, fleet } = await scene(t)
    await controller.directory.addReport(measured(device, new Date()))
    const folder = await testDirectory(t)
    const port = await freePort()
    const example = await readFile(join(root, 'examples/prometheus/prometheus.yml'), 'utf8')
    const token = join(folder, 'api.token')
    await writeFile(token, 'secret\n')
    await writeFile(join(folder, 'rules.yml'), await readFile(join(root, 'examples/prometheus/rules.yml')))
    const config = example
      .replaceAll('8440', String(api.port))
      .replaceAll('port=9100', `port=${exporterPort}`)
      .replaceAll(/credentials_file: .*/g, `credentials_file: ${token}`)
      .replaceAll('30s', '1s')
    await writeFile(join(folder, 'prometheus.yml'), config)
    promtool(['check', 'config', join(folder, 'prometheus.yml')])
    const child = spawn(
      'prometheus',
      [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    )
    const ended = once(child, 'exit')
    t.after(async () => {
      child.kill('SIGKILL')
      await ended
    })
    const value = async (query: string) => {
      const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`
      const reply = await fetch(url).catch(() => undefined)
      const json = reply?.ok && ((await reply.json()) as { data: { result: { value: [number, string] }[] } })
      return json ? json.data.result[0]?.value[1] : undefined
    }
    const becomes = (query: string, wanted: string) =>
      until(async () => (await value(query)) === wanted, `${query} to be ${wanted}`)
    await becomes('up{job="thymesh-fleet"}', '1')
    await becomes('up{job="thymesh-device", device="device-1", instance="device-1"}', '1')
    await becomes('node_load1{device="device-1"}', '0.25')
    await becomes('thymesh_disk_usage_ratio{job="thymesh-device"}', '0.91')
    await becomes(`thymesh_fleet_release`, String(fleet.published.trusted.timestamp ? 1 : 0))
    await becomes('count(ALERTS{alertname="DiskFills"})', '1')
    await device.stopAll()
    await becomes('up{job="node"}', '0')
  })

  it('has rules and a dashboard in examples/ that know only metrics that there are', async () => {
    promtool(['test', 'rules', 'rules-test.yml'])
    const every = Object.fromEntries(
      [
        'cpu',
        'memory',
        'disk',
        'wear',
        'temperature',
        'under-voltage',
        'pressure-io',
        'received',
        'sent',
        'uplink',
      ].map(name => [name, 1]),
    )
    const known = new Set(
      [
        ...exposition(sampleFamilies({ ...every, 'failed-units': 1, 'clock-offset': 1 }, {})).matchAll(
          /^thymesh_\w+/gm,
        ),
      ].map(([name]) => name),
    )
    const source = await readFile(join(root, 'controller/queries/fleet-metrics.ts'), 'utf8')
    const reports = await readFile(join(root, 'protocol/metrics/report-families.ts'), 'utf8')
    for (const [name] of `${source}${reports}`.matchAll(/\bthymesh_\w+/g)) known.add(name)
    for (const file of ['rules.yml', 'dashboard.json']) {
      const text = await readFile(join(root, 'examples/prometheus', file), 'utf8')
      const unknown = [...text.matchAll(/\bthymesh_\w+/g)].map(([name]) => name).filter(name => !known.has(name))
      assert.deepEqual(unknown, [], file)
    }
  })
})
