/** The simulation's bytes are those of real peers: 16 of them on loopback synchronise in the same order, within 20 %. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerState } from '../../node/state/peer-state.ts'
import { readCertificate } from '../../protocol/members/certificate.ts'
import { verifyReport } from '../../protocol/report/report.ts'
import { watchSockets } from '../../scripts/src/bench/scale/socket-bytes.ts'
import { LargeFleet } from '../helpers/large-fleet.ts'
import { connect, Mesh, type TestPeer } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'
import { SimulatedPeer, sync } from './simulated-peer.ts'

const peers = 16
const devices = 150
/** Reports that are new, of so many devices, at one peer, before each round of syncs. */
const rounds = [0, 1, 5, 30, 0]

/** Nothing is told as news meanwhile. */
const newsMs = 86_400_000

/** A peer that has just started is never silent for so long. */
const quietMs = 4_000

describe('the simulation', () => {
  it('takes as many bytes for its syncs as real peers', { timeout: 600_000 }, async t => {
    const sockets = watchSockets()
    const large = new LargeFleet(devices)
    const real = await realPeers(await Mesh.of(t), large, sockets)
    const simulated = real.map(() => simulatedPeer(large, real))
    const [first, firstSimulated] = [real[0] as TestPeer, simulated[0] as SimulatedPeer]
    const figures: { news: number; real: number; simulated: number }[] = []
    for (const [round, news] of rounds.entries()) {
      for (const device of large.devices.slice(0, news)) {
        const envelope = large.report(device, 10 + round)
        await first.directory.addReport(envelope)
        firstSimulated.addReport({ document: verifyReport(envelope, large.fleet.fleet), envelope })
      }
      const before = sockets.bytes()
      let expected = 0
      for (let at = 0; at + 1 < peers; at++) {
        await syncOnce(real[at] as TestPeer, real[at + 1] as TestPeer)
        expected += sync(simulated[at] as SimulatedPeer, simulated[at + 1] as SimulatedPeer).bytes
      }
      figures.push({ news, real: sockets.bytes() - before, simulated: expected })
    }
    t.diagnostic(JSON.stringify(figures))
    const last = real.at(-1) as TestPeer
    for (const { peer } of large.devices.slice(0, 30)) {
      assert.equal(last.directory.report(peer)?.document.counter, 13)
      assert.equal(simulated.at(-1)?.reports.get(peer)?.document.counter, 13)
    }
    for (const { news, real, simulated } of figures) {
      assert.ok(Math.abs(simulated / real - 1) < 0.2, `${news} news: ${simulated} simulated, ${real} real bytes`)
    }
  })
})

/** In a row. Nothing but the syncs that the test begins moves news: no gossip, no dialling. */
async function realPeers(mesh: Mesh, large: LargeFleet, sockets: { bytes(): number }): Promise<TestPeer[]> {
  const made: TestPeer[] = []
  for (let at = 0; at < peers; at++) {
    const fill = (state: PeerState) => large.fill(state.database, 1)
    const peer = await mesh.start({ word: `peer-${at}`, fleet: large.fleet, fill, timing: { newsMs } })
    peer.supervisor.stop()
    peer.gossip.publishReport = () => {}
    made.push(peer)
  }
  for (const { directory } of made) {
    for (const { identity, own } of made) await directory.addCertificate(identity.peerId, own.envelope)
  }
  for (let at = 0; at + 1 < peers; at++) await connect(made[at] as TestPeer, made[at + 1] as TestPeer)
  // The syncs of new connections also tell addresses, once.
  for (let at = 0; at + 1 < peers; at++) await syncOnce(made[at] as TestPeer, made[at + 1] as TestPeer)
  // The DHT looks for its neighbours within the first seconds: then nothing but syncs moves.
  let [seen, changedAt] = [0, 0]
  await until(() => {
    const bytes = sockets.bytes()
    if (bytes !== seen) [seen, changedAt] = [bytes, performance.now()]
    return performance.now() - changedAt > quietMs
  }, 'silence on all connections')
  return made
}

/** One that is under way already is all there is while it lasts. */
async function syncOnce(from: TestPeer, to: TestPeer): Promise<void> {
  let synced = false
  const note = (peer: { equals(other: unknown): boolean }) => {
    synced ||= peer.equals(to.host.peerId)
  }
  from.sync.on('synced', note)
  await until(async () => {
    if (!synced) await from.sync.syncWith(to.host.peerId)
    return synced
  }, `${from.word} to synchronise with ${to.word}`)
  from.sync.off('synced', note)
}

function simulatedPeer(large: LargeFleet, real: readonly TestPeer[]): SimulatedPeer {
  const peer = new SimulatedPeer()
  const certificates = [...large.devices.map(each => each.certificate), ...real.map(({ own }) => own.envelope)]
  for (const envelope of certificates) peer.addCertificate({ document: readCertificate(envelope), envelope })
  for (const device of large.devices) {
    const envelope = large.report(device, 1)
    peer.addReport({ document: verifyReport(envelope, large.fleet.fleet), envelope })
  }
  return peer
}
