/**
 * Bytes that the reports of devices to which nothing happens cost each peer of a mesh, both ways: real peers on loopback, by
 * gossip and as news.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { signReport } from '../../../../node/device/device-report.ts'
import { timeText } from '../../../../protocol/encoding/fields.ts'
import { metricsExtension } from '../../../../protocol/metrics/reported.ts'
import { openReport } from '../../../../protocol/report/extended-report.ts'
import { ownExtensions } from '../../../../protocol/report/understands.ts'
import { logHeadExtension } from '../../../../protocol/report/witnessed-log.ts'
import { type LargeDevice, LargeFleet } from '../../../../test/helpers/large-fleet.ts'
import { Mesh, type TestPeer } from '../../../../test/helpers/mesh.ts'
import { until } from '../../../../test/helpers/until.ts'
import { watchSockets } from './socket-bytes.ts'

/** Gossip has its mesh, links of news are there, and sync has said what it had to. */
const settleMs = 15_000
/** What is a minute in a fleet: peers tell news so often. Bytes don't depend on it. */
const minuteMs = 10_000
/** Heads of logs, and the time between two: rounds for them come every five seconds at most. */
const headsMeasured = 10
const headMs = 6_000

export interface JourneyInit {
  readonly peers: number
  /** Each of the peers dials so many others. */
  readonly dials: number
  /** Reports a minute. */
  readonly reports: number
  readonly minutes: number
}

/** On the sockets of one peer, headers of TCP and IP excluded. */
export interface Journey {
  /** Of one report. */
  readonly byGossip: number
  readonly asNews: number
  /** Of one that has nothing new but the head of its device's log, told at once and alone. */
  readonly asHead: number
  /** Of rounds of news without any report, each second. */
  readonly idlePerSecond: number
  /** How long the report is itself. */
  readonly reportBytes: number
}

export async function reportJourney(init: JourneyInit, stack: AsyncDisposableStack): Promise<Journey> {
  const sockets = watchSockets()
  const large = new LargeFleet(init.reports * init.minutes)
  const peers = await startPeers(init, large, stack)
  await sleep(settleMs)
  // What syncs take is measured by itself, and here there would be too many of them for the time.
  for (const { sync } of peers) await sync.stop()
  const ways = {
    idle: async () => {},
    gossip: async (peer: TestPeer, envelope: Uint8Array) => {
      await peer.directory.addReport(envelope)
      peer.gossip.publishReport(envelope)
    },
    news: async (peer: TestPeer, envelope: Uint8Array) => {
      const before = peer.directory.report(openReport(envelope).document.peer)
      await peer.directory.addReport(envelope)
      peer.news.publishOwn(envelope, before, false)
    },
  }
  /** Bytes, and what are minutes in a fleet. */
  const measure = async (way: keyof typeof ways, repetition: number) => {
    const [before, began] = [sockets.bytes(), performance.now()]
    for (const [at, device] of large.devices.entries()) {
      await ways[way](peers[at % peers.length] as TestPeer, repeated(large, device, repetition))
      await sleep(minuteMs / init.reports)
    }
    const known = ({ directory }: TestPeer) =>
      large.devices.every(({ peer }) => (directory.member(peer)?.report?.counter ?? 0) >= counterOf(repetition))
    if (way !== 'idle') await until(() => peers.every(known), `all reports by ${way}`)
    // Each byte is written once and read once.
    const bytes = (2 * (sockets.bytes() - before)) / init.peers
    return { bytes, minutes: (performance.now() - began) / minuteMs }
  }
  const [gossip, news] = [await measure('gossip', 1), await measure('news', 2)]
  // One after another, so that each has rounds of its own.
  const heads = large.devices.slice(0, headsMeasured)
  const [headsBefore, headsBegan] = [sockets.bytes(), performance.now()]
  for (const [at, device] of heads.entries()) {
    await ways.news(peers[at % peers.length] as TestPeer, repeated(large, device, 3, 121))
    await sleep(headMs)
  }
  const hasHead = ({ directory }: TestPeer) =>
    heads.every(({ peer }) => (directory.member(peer)?.report?.counter ?? 0) >= counterOf(3))
  await until(() => peers.every(hasHead), 'all heads')
  const headBytes = (2 * (sockets.bytes() - headsBefore)) / init.peers
  const headMinutes = (performance.now() - headsBegan) / minuteMs
  // At the end, when whatever goes with the beginning of connections is over.
  const idle = await measure('idle', 2)
  const idlePerMinute = idle.bytes / idle.minutes
  const perReport = ({ bytes, minutes }: typeof idle) => (bytes - idlePerMinute * minutes) / large.devices.length
  const [byGossip, asNews] = [perReport(gossip), perReport(news)]
  const asHead = (headBytes - idlePerMinute * headMinutes) / heads.length
  const [device] = large.devices
  const reportBytes = device === undefined ? 0 : repeated(large, device, 1).length
  return { byGossip, asNews, asHead, idlePerSecond: idlePerMinute / 60, reportBytes }
}

async function startPeers(init: JourneyInit, large: LargeFleet, stack: AsyncDisposableStack): Promise<TestPeer[]> {
  const mesh = await Mesh.of({ after: stop => void stack.defer(stop) })
  const peers: TestPeer[] = []
  for (let at = 0; at < init.peers; at++) {
    const timing = { newsMs: minuteMs }
    const fill = async (state: TestPeer['peerState']) => {
      await large.fill(state.database, undefined)
      const reports = large.devices.map(each => ({
        table: 'reports' as const,
        key: each.peer,
        value: repeated(large, each, 0),
      }))
      await state.database.apply(reports)
    }
    const peer = await mesh.start({ word: `peer-${at}`, fleet: large.fleet, fill, timing })
    peer.supervisor.stop()
    for (const other of peers.slice(-init.dials)) await peer.host.dial(other.host.getMultiaddrs())
    peers.push(peer)
  }
  const members = large.devices.length + init.peers
  await until(() => peers.every(({ directory }) => directory.members().length === members), 'members')
  return peers
}

const hours = 3_600_000
/** Between two reports of a device to which nothing happens. */
const repeatedMs = 6 * hours

function counterOf(repetition: number): number {
  return 1001 + 2 * repetition
}

/** A report as devices sign it, with what they measure and the head of their log. */
function repeated(large: LargeFleet, device: LargeDevice, repetition: number, size = 120): Uint8Array {
  const counter = counterOf(repetition)
  const at = timeText(new Date(large.fleet.now.getTime() + repetition * repeatedMs + device.name.length))
  const { extensions: _none, ...plain } = openReport(large.report(device, counter - 1, { at })).document
  const seed = repetition * 7 + Number(device.name.slice(-3))
  const measured = metricsExtension({
    cpu: 3 + (seed % 5),
    memory: 300_000_000 + seed * 131_072,
    disk: 8_000_000_000 + seed * 4096,
    temperature: 41 + (seed % 7) / 10,
    load: (seed % 40) / 100,
    'failed-units': 0,
    uptime: (repetition * repeatedMs) / 1000 + 977 * seed,
  })
  const head = logHeadExtension({ size, root: new Uint8Array(32).fill(size), signature: new Uint8Array(64).fill(9) })
  return signReport({ ...plain, counter: counter - 1 }, device.signer, {
    extensions: { ...ownExtensions, ...measured, ...head },
    counter,
  })
}
