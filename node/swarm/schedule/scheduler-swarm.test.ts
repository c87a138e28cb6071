/** Tests of many schedulers together in virtual time: everyone gets everything, and the uplink carries one copy. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type SimulatedDevice, type Simulation, simulate } from '../../../test/helpers/simulated-swarm.ts'
import { mix } from './rendezvous.ts'

const mb = 1e6

/** The same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    return mix(state) / 2 ** 32
  }
}

/** Chunks as the cutter makes them: 16 to 256 KiB, most of them small. */
function lengthsOf(count: number, seed = 1): Uint32Array {
  const random = randomOf(seed)
  return Uint32Array.from({ length: count }, () => 16_384 + Math.floor(random() * random() * 245_760))
}

function run(devices: readonly SimulatedDevice[], changes: Partial<Simulation> = {}) {
  const simulation = {
    lengths: lengthsOf(400),
    devices,
    seeds: [{ rate: 100 * mb }],
    uplinkRate: 2 * mb,
    lanRate: 50 * mb,
    random: randomOf(7),
    ...changes,
  }
  const result = simulate(simulation)
  const copy = simulation.lengths.reduce((sum, length) => sum + length, 0)
  const lastMs = Math.max(...result.doneAtMs.map(doneAt => doneAt ?? 0))
  const copies = result.uplinkBytes / copy
  return { ...result, copy, copies, slowness: lastMs / ((copy * 1000) / simulation.uplinkRate) }
}

const devices = (count: number, of: (index: number) => SimulatedDevice = () => ({})) =>
  Array.from({ length: count }, (_, index) => of(index))

const missing = (result: { doneAtMs: (number | undefined)[] }) => result.doneAtMs.filter(doneAt => doneAt === undefined)

describe('a swarm behind one uplink', () => {
  it('needs one copy and hardly more than its time, for eight devices', () => {
    for (const uplinkRate of [0.1 * mb, 2 * mb, 10 * mb]) {
      const result = run(devices(8), { uplinkRate })
      assert.deepEqual(missing(result), [])
      assert.ok(result.copies <= 1.05, `${result.copies} copies`)
      assert.ok(result.slowness <= 1.3, `${result.slowness} × the uplink's time`)
    }
  })

  it('takes devices that come later in', () => {
    const result = run(devices(8, index => ({ joinsAtMs: index * 1000 })))
    assert.deepEqual(missing(result), [])
    assert.ok(result.copies <= 1.05, `${result.copies} copies`)
    assert.ok(result.slowness <= 1.3, `${result.slowness} × the uplink's time`)
  })

  it('goes on without devices that vanish, stall or lie, or have no uplink', () => {
    const troubled: SimulatedDevice[] = [{ vanishesAtMs: 4000 }, { stallsAtMs: 3000 }, { lies: true }]
    const result = run([...troubled, ...devices(5), { hasNoUplink: true }])
    assert.equal(missing(result).length, 3)
    assert.ok(result.copies <= 1.1, `${result.copies} copies`)
    assert.ok(result.slowness <= 1.6, `${result.slowness} × the uplink's time`)
  })

  it('leaves the uplink alone when a neighbour has it all', () => {
    const result = run([...devices(4), { seeds: true }])
    assert.equal(missing(result).length, 1)
    assert.equal(result.uplinkBytes, 0)
  })
})

describe('a device alone at its site', () => {
  it('uses all sources at once', () => {
    const result = run(devices(1), { seeds: [1, 2, 3, 4].map(() => ({ rate: 0.5 * mb })) })
    assert.ok(result.slowness <= 1.2, `${result.slowness} × the sources' time`)
    for (const bytes of result.seedBytes) assert.ok(bytes > result.copy / 5, `${bytes} from one source`)
  })

  it('does without sources that stall or lie', () => {
    const result = run(devices(1), {
      seeds: [{ rate: 2 * mb }, { rate: 2 * mb, stallsAtMs: 2000 }, { rate: 2 * mb, lies: true }],
    })
    assert.deepEqual(missing(result), [])
    assert.ok(result.copies <= 1.1, `${result.copies} copies`)
  })
})

/**
 * The bound on extra bytes: a device that leaves or stalls takes a window of answers with it, one that joins may ask for a
 * window that another has asked for, and one that nobody hears from is doubted by each of the others once.
 */
const windowBytes = 1 << 20

describe('any swarm', () => {
  const trouble = fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    fc.record({ joinsAtMs: fc.integer({ min: 0, max: 8000 }) }),
    fc.record({ vanishesAtMs: fc.integer({ min: 1, max: 8000 }) }),
    fc.record({ stallsAtMs: fc.integer({ min: 1, max: 8000 }) }),
    fc.constant({ lies: true }),
    fc.constant({ hasNoUplink: true }),
  )
  const anySwarm = fc.record({
    devices: fc.array(trouble, { maxLength: 6 }),
    chunks: fc.integer({ min: 1, max: 150 }),
    uplinkRate: fc.constantFrom(0.2 * mb, 1 * mb, 20 * mb),
    seed: fc.nat(),
  })

  it('gives everything to every device that stays', () => {
    fc.assert(
      fc.property(anySwarm, ({ devices: others, chunks, uplinkRate, seed }) => {
        const all: SimulatedDevice[] = [{}, ...others]
        const lengths = lengthsOf(chunks, seed)
        const result = run(all, { lengths, uplinkRate, random: randomOf(seed) })
        all.forEach((device: SimulatedDevice, index) => {
          const stays = device.vanishesAtMs === undefined && device.stallsAtMs === undefined && !device.lies
          if (stays) assert.notEqual(result.doneAtMs[index], undefined, `device ${index} has everything`)
        })
        const troubles = all.filter(device => Object.keys(device).length > 0).length
        const allowed = troubles === 0 ? 1.05 * result.copy : 1.05 * result.copy + 2 * troubles * windowBytes
        assert.ok(result.uplinkBytes <= allowed, `${result.uplinkBytes} bytes for a copy of ${result.copy}`)
      }),
      { numRuns: 200 },
    )
  })
})
