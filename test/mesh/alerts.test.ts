/** Alerts between real peers: a device's own report leads to one message, also to a real Alertmanager; operators silence it. */

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as listener } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { silence } from '../../controller/orders/silence.ts'
import { queryAlerts } from '../../controller/queries/alerts.ts'
import type { Session } from '../../controller/session/session.ts'
import { alertsText } from '../../controller/views/alerts.ts'
import { DeviceAlerts } from '../../node/device/device-alerts.ts'
import { withAlerts } from '../../protocol/alerts/in-release.ts'
import type { Alerts } from '../../protocol/alerts/rules.ts'
import type { Sample } from '../../protocol/metrics/series.ts'
import { extendedReportKind } from '../../protocol/report/extended-report.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import { withCode } from '../helpers/errors.ts'
import { testClosure, testConfig, testSigner } from '../helpers/fleet.ts'
import { silentLogger } from '../helpers/log.ts'
import { connect, gossiping, liveFleet, Mesh, reportOf, type TestPeer } from '../helpers/mesh.ts'
import { testDirectory } from '../helpers/state.ts'
import { until } from '../helpers/until.ts'

const rules: Alerts['rules'] = [
  {
    ...{ name: 'disk-full', when: { metric: 'disk', above: 90, for: '0s' }, severity: 'critical', notify: ['ops'] },
    ...{ on: { devices: ['sick'] }, resolve: true },
  },
]

interface Running {
  readonly peer: TestPeer
  readonly alerts: DeviceAlerts
  sample: Sample
}

const talk = {
  note: () => {},
  detail: () => {},
  step: () => {},
  activities: () => {},
  progress: () => {},
  signal: new AbortController().signal,
}

/** Devices that look at alerts, all connected to each other and to a controller. */
async function scene(t: TestContext, channel: Alerts['channels'][string]) {
  const mesh = await Mesh.of(t)
  const fleet = liveFleet()
  const names = ['hub-1', 'hub-2', 'hub-3', 'sick']
  const devices = Object.fromEntries(names.map(name => [name, { config: 'web' }]))
  const extensions = withAlerts(undefined, { channels: { ops: channel }, rules })
  fleet.release({ configs: { web: testConfig(testClosure('web')) }, devices, extensions })
  const certificate = fleet.certify(testSigner('controller'), { name: 'ada', role: 'controller' })
  const controller = await mesh.start({ word: 'controller', fleet, certificate })
  const running: Running[] = []
  for (const word of names) {
    const peer = await mesh.start({ word, fleet })
    const counters = { next: 1 }
    const one: Running = {
      peer,
      sample: { disk: 50 },
      alerts: await DeviceAlerts.make(
        {
          ...{ peer, clock: peer.peerState.clock, table: peer.peerState.database.table('alerts'), log: silentLogger },
          sample: () => one.sample,
          report: () => report(one, counters),
        },
        { hasUnits: false },
      ),
    }
    await one.alerts.start()
    mesh.after(() => one.alerts.stop())
    for (const other of [controller, ...running.map(each => each.peer)]) await connect(peer, other)
    running.push(one)
  }
  const all = [controller, ...running.map(({ peer }) => peer)]
  for (const [at, one] of all.entries()) for (const other of all.slice(at + 1)) await gossiping([one, other])
  const session = { peer: controller.door } as Session
  const sick = running.at(-1) ?? assert.fail()
  return { mesh, fleet, running, sick, session, hubs: running.slice(0, 3) }
}

/** As the daemon's reporter does it. */
function report({ peer, alerts }: Running, counters: { next: number }): void {
  const counter = counters.next
  counters.next += 2
  const { fleet, identity } = peer
  const plain = reportOf(peer, counter, {
    state: 'running',
    release: 2,
    at: `${new Date().toISOString().slice(0, 19)}Z`,
  })
  const extensions = { understands: [], ...alerts.extensions }
  const document = { v: 2, fleet, peer: identity.peerId, counter: counter + 1, report: plain, extensions } as const
  const envelope = signEnvelope(extendedReportKind, document, peer.signer)
  void peer.directory.addReport(envelope).then(() => peer.gossip.publishReport(envelope))
}

async function webhook(t: TestContext) {
  const got: { status: string; alerts: { status: string; labels: Record<string, string> }[] }[] = []
  const server = createServer((request, reply) => {
    void json(request).then(body => {
      got.push(body as (typeof got)[number])
      reply.end()
    })
  }).listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

describe('alerts in a mesh', () => {
  it('of a device are sent by one of three, and `thymesh alerts` shows by whom', async t => {
    const { got, url } = await webhook(t)
    const { sick, session, running } = await scene(t, {
      ...{ webhook: url, private: true, by: { devices: ['hub-1', 'hub-2', 'hub-3'] } },
    })
    assert.match(alertsText(await queryAlerts(session, { all: false })), /No alerts; 1 rule is looked at/)
    sick.sample = { disk: 97.2 }
    await until(() => got.length === 1, 'the webhook to be called')
    assert.deepEqual(
      got[0]?.alerts.map(({ status, labels }) => [status, labels.alertname, labels.device]),
      [['firing', 'disk-full', 'sick']],
    )
    const shown = async () => (await queryAlerts(session, { all: false })).alerts[0]
    await until(async () => (await shown())?.told.length === 1, 'the controller to hear who has sent it')
    const alert = (await shown()) ?? assert.fail()
    assert.deepEqual(
      [alert.device, alert.severity, alert.summary],
      ['sick', 'critical', 'disk above 90 % for 0s, now 97 %'],
    )
    assert.match(alert.told[0]?.by ?? '', /^hub-[123]$/)
    // All others have heard it too: each knows the mark.
    for (const { peer } of running) {
      await until(() => peer.directory.reports().some(each => each.extensions?.told !== undefined), 'all to hear it')
    }
    assert.equal(got.length, 1)
  })

  it('are silenced by an operator, and by nobody else', async t => {
    const { got, url } = await webhook(t)
    const { mesh, fleet, sick, session, hubs, running } = await scene(t, {
      webhook: url,
      private: true,
      by: { devices: ['hub-1', 'hub-2', 'hub-3'] },
    })
    const [hub = assert.fail()] = hubs
    const { MeshNeighbours } = await import('../../node/peer/mesh-neighbours.ts')
    const rogue = new MeshNeighbours(sick.peer, { listen: [], mdns: false })
    await assert.rejects(rogue.silence(hub.peer.identity.peerId, { for: 3600 }), withCode('not-served'))
    const viewer = { name: 'vera', role: 'controller', token: 'aa'.repeat(16) } as const
    const vera = await mesh.start({ word: 'vera', fleet, certificate: fleet.certify(testSigner('vera'), viewer) })
    await connect(vera, hub.peer)
    await assert.rejects(vera.door.neighbours.silence(hub.peer.identity.peerId, { for: 3600 }), withCode('not-served'))
    const order = { device: 'sick', for: 3600, wait: 60 }
    assert.deepEqual((await silence(session, order, talk)).told, ['hub-1', 'hub-2', 'hub-3'])
    sick.sample = { disk: 97.2 }
    const shown = async () => (await queryAlerts(session, { all: false })).alerts[0]
    await until(async () => (await shown())?.silencedBy === 'ada', 'the alert to be shown as silenced')
    // Each of the three says in a report of its own that it keeps it.
    const silent = /silenced by ada[\s\S]*Silent until .* about all rules on sick, by ada \(kept by 3\)/
    const text = async () => alertsText(await queryAlerts(session, { all: false }))
    await until(async () => silent.test(await text()), 'the silence to be shown')
    assert.equal(got.length, 0)
    await silence(session, { ...order, for: 0 }, talk)
    await until(() => got.length === 1, 'the webhook to be called')
    const alert = (await shown()) ?? assert.fail()
    await silence(session, { device: 'sick', rule: 'disk-full', since: alert.id ?? 0, for: 3600, wait: 60 }, talk)
    await until(async () => (await shown())?.acknowledgedBy === 'ada', 'the acknowledgement to be shown')
    assert.equal(running.length, 4)
  })

  it('are sent by a controller that is told to, where no device can, with the file of its own folder', async t => {
    const { got, url } = await webhook(t)
    const file = '/run/thymesh/secrets/ops-hook'
    const { mesh, sick, session } = await scene(t, { webhook: { file }, private: true, by: { devices: [] } })
    const folder = await testDirectory(t)
    await writeFile(join(folder, 'ops-hook'), url)
    await session.peer.sendAlerts({ folder })
    mesh.after(async () => await session.peer.alerts?.stop())
    const order = { device: 'sick', for: 3600, wait: 0 }
    assert.deepEqual(await silence(session, order, talk), { told: ['ada'], missed: [] })
    sick.sample = { disk: 97 }
    const shown = async () => (await queryAlerts(session, { all: false })).alerts[0]
    await until(async () => (await shown())?.silencedBy === 'ada', 'the alert to be shown as silenced')
    assert.equal(got.length, 0)
    await silence(session, { ...order, for: 0 }, talk)
    await until(async () => (await shown())?.told[0]?.by === 'ada', 'the controller to have told it')
    assert.deepEqual([got.length, got[0]?.alerts[0]?.labels.device], [1, 'sick'])
  })

  it('reach a real Alertmanager, and end there', { skip: missing() }, async t => {
    const folder = await testDirectory(t)
    await writeFile(join(folder, 'config.yml'), 'route: {receiver: none}\nreceivers: [{name: none}]\n')
    const port = await freePort()
    const args = [`--config.file=${folder}/config.yml`, `--storage.path=${folder}/data`, '--cluster.listen-address=']
    const child = spawn('prometheus-alertmanager', [...args, `--web.listen-address=127.0.0.1:${port}`], {
      stdio: 'ignore',
    })
    const ended = once(child, 'exit')
    t.after(async () => {
      child.kill('SIGKILL')
      await ended
    })
    const url = `http://127.0.0.1:${port}`
    const alerts = async () => {
      const reply = await fetch(`${url}/api/v2/alerts`).catch(() => undefined)
      if (!reply?.ok) return undefined
      return (await reply.json()) as { labels: Record<string, string>; annotations: Record<string, string> }[]
    }
    await until(async () => (await alerts()) !== undefined, 'the Alertmanager to run')
    const { sick } = await scene(t, { alertmanager: url, private: true, by: { devices: ['hub-1', 'hub-2'] } })
    sick.sample = { disk: 97.2 }
    await until(async () => (await alerts())?.length === 1, 'the Alertmanager to have it')
    const [alert] = (await alerts()) ?? []
    assert.deepEqual([alert?.labels.alertname, alert?.labels.device], ['disk-full', 'sick'])
    assert.equal(alert?.annotations.summary, 'sick: disk above 90 % for 0s, now 97 %')
    sick.sample = { disk: 50 }
    await until(async () => (await alerts())?.length === 0, 'the Alertmanager to end it', 120_000)
  })
})

/** Why the Alertmanager can't run here; CI has it. */
function missing(): string | false {
  try {
    execFileSync('prometheus-alertmanager', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    if (process.env.CI === 'true')
      throw new Error('expected CI to have prometheus-alertmanager; scripts/setup --tests installs it')
    return 'needs prometheus-alertmanager (scripts/setup --tests installs it)'
  }
}

async function freePort(): Promise<number> {
  const server = listener().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
