/**
 * A wave that opens by news, in virtual time: how soon after the last device of the wave before has confirmed, and what that costs
 * each peer. `THYMESH_PEERS=10000 node --max-old-space-size=12000 --test test/scale/wave.test.ts` takes minutes.
 */

import assert from 'node:assert/strict'
import { before, describe, it, type TestContext } from 'node:test'
import { newsHurryMs } from '../../node/mesh/limits.ts'
import { Random } from '../attack/fuzz/random.ts'
import { LargeFleet } from '../helpers/large-fleet.ts'
import { ReportSizes } from './report-sizes.ts'
import { SimulatedWave, type WaveInit } from './simulated-wave.ts'

const minutes = 60_000
/** Twenty of them share a site. */
const peers = Number(process.env.THYMESH_PEERS ?? 400)
/** What one changed report costs each peer by gossip, by `scripts/bench scale`. */
const gossipBytes = 15_407

let large: LargeFleet
let sizes: ReportSizes

function waveOf(more: Partial<WaveInit> = {}): SimulatedWave {
  return new SimulatedWave({
    ...{ large, sizes, random: new Random(1), steps: 6, updateMs: [20_000, 3 * minutes] as const },
    rollout: { waves: [{ percent: 10 }, { percent: 25 }], soakSeconds: 0 },
    ...more,
  })
}

/** Runs it to the time when all devices of the next wave have seen it open. */
function opened(t: TestContext, wave: SimulatedWave) {
  wave.begin()
  assert.ok(
    wave.time.run(400 * minutes, () => wave.allHaveOpened),
    'the wave does not open everywhere',
  )
  const confirmedAt = wave.confirmedAt ?? Number.NaN
  const delays = wave.next.map(number => (wave.peers[number]?.opened ?? Number.NaN) - confirmedAt)
  const rates = wave.peers.map(({ bytes }) => (1000 * bytes) / wave.time.now)
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  const [late, rate] = [delays, rates].map(list => list.sort((a, b) => a - b)) as [number[], number[]]
  const at = (list: readonly number[], part: number) =>
    Math.round(list[Math.floor(part * (list.length - 1))] ?? Number.NaN)
  const byGossip = (1000 * gossipBytes * wave.published) / wave.time.now
  t.diagnostic(
    `${wave.peers.length} peers, ${wave.first.length} update, ${wave.published} reports in ${Math.round(confirmedAt / 1000)} s: ` +
      `open for half after ${at(late, 0.5)} ms, 99 % ${at(late, 0.99)}, all ${at(late, 1)}; ` +
      `${Math.round(mean)} B/s, 99 % of peers ${at(rate, 0.99)}, all ${at(rate, 1)}; by gossip ${Math.round(byGossip)}`,
  )
  return { last: at(late, 1), mean, busiest: at(rate, 0.99), byGossip }
}

describe('a wave in virtual time', () => {
  before(async () => {
    large = new LargeFleet(peers)
    sizes = await ReportSizes.of(large)
  })

  it('opens by news for all devices, soon and for a part of what gossip costs', t => {
    const { last, mean, busiest, byGossip } = opened(t, waveOf())
    assert.ok(last > 0 && last <= 2 * minutes, `${last} ms`)
    assert.ok(mean <= 5000 && mean < byGossip / 10, `${mean} B/s`)
    assert.ok(busiest <= 10_000, `${busiest} B/s`)
  })

  it('costs about what real peers were measured to take, where each outcome has rounds of its own', t => {
    const few = new LargeFleet(Math.min(peers, 400))
    const count = few.devices.length
    // So rarely that hardly one of them shares a round with another one.
    const wave = waveOf({ large: few, steps: 0, updateMs: [20_000, count * 2 * newsHurryMs] })
    opened(t, wave)
    const idle = (wave.time.now / minutes) * 6 * 2 * sizes.message({})
    const sum = wave.peers.reduce((bytes, peer) => bytes + peer.bytes, 0)
    const each = (sum / count - idle) / wave.published
    t.diagnostic(`${Math.round(each)} bytes of a report`)
    // By `scripts/bench scale`, a report with nothing new but the head of a log: 1,828 and 2,012.
    assert.ok(each > 0.8 * 1828 && each < 1.2 * 2012, `${each}`)
  })

  it('opens for sites that were cut off while it was confirmed, once they are back', t => {
    const wave = waveOf()
    const isCut = ({ number }: { number: number }) => Math.floor(number / 20) % 10 === 3
    wave.time.after(minutes, () => wave.cutOff(isCut, 10 * minutes))
    opened(t, wave)
    const back = 11 * minutes
    for (const number of wave.next) {
      const peer = wave.peers[number]
      // None of the cut sites hears of the others' outcomes before; they have devices in the wave themselves.
      if (peer !== undefined && isCut(peer)) assert.ok((peer.opened ?? 0) >= back)
      assert.ok((peer?.opened ?? Number.NaN) <= back + 2 * minutes)
    }
  })
})
