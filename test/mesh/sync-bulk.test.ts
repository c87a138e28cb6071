/** Much news at once: it is brought by one neighbour, judged once, and sent on only to neighbours that lack it. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { PeerState } from '../../node/state/peer-state.ts'
import { LargeFleet } from '../helpers/large-fleet.ts'
import { connect, Mesh, type TestPeer } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

const size = 100
const [old, recent] = [1, 2]

const hasAll = ({ directory }: TestPeer) =>
  directory.reports().filter(({ counter }) => counter === recent).length === size

/** Peers that know each other and all devices, with an old or a recent report of each. */
async function peersOf(t: TestContext, counters: Record<string, number>): Promise<TestPeer[]> {
  const mesh = await Mesh.of(t)
  const large = new LargeFleet(size)
  const peers: TestPeer[] = []
  for (const [word, counter] of Object.entries(counters)) {
    const fill = (state: PeerState) => large.fill(state.database, counter)
    const peer = await mesh.start({ word, fleet: large.fleet, fill })
    // Only the test connects them.
    peer.supervisor.stop()
    peers.push(peer)
  }
  for (const { directory } of peers) {
    for (const { identity, own } of peers) await directory.addCertificate(identity.peerId, own.envelope)
  }
  return peers
}

/** Counts the reports that a peer verifies from now on. */
function judgedBy({ directory }: TestPeer): () => number {
  const add = directory.addReport.bind(directory)
  let judged = 0
  directory.addReport = envelope => {
    judged++
    return add(envelope)
  }
  return () => judged
}

describe('much news', () => {
  it('comes from one of the neighbours of a device that returns, and goes back to none', async t => {
    const neighbours = { a: recent, b: recent, c: recent, d: recent }
    const [device, ...others] = (await peersOf(t, { device: old, ...neighbours })) as [TestPeer, ...TestPeer[]]
    const judged = judgedBy(device)
    const judgedAgain = others.map(judgedBy)
    await Promise.all(others.map(each => connect(device, each)))
    await until(() => hasAll(device), 'all reports')
    for (const each of others) await device.sync.syncWith(each.host.peerId)
    assert.equal(judged(), size)
    assert.deepEqual(
      judgedAgain.map(count => count()),
      [0, 0, 0, 0],
    )
  })

  it('reaches neighbours that lack it, over one that brings it to them', async t => {
    const [visitor, device, far] = (await peersOf(t, { visitor: recent, device: old, far: old })) as [
      TestPeer,
      TestPeer,
      TestPeer,
    ]
    const judgedAgain = judgedBy(visitor)
    await connect(device, far)
    await connect(device, visitor)
    await until(() => hasAll(far), 'all reports')
    assert.equal(judgedAgain(), 0)
  })
})
