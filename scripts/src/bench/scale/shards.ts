/** What a sharded release costs: a controller that splits it and reads all of it, a device that reads its own part. */

import { limits } from '../../../../protocol/limits.ts'
import { splitRelease } from '../../../../protocol/release/split-release.ts'
import { joinSplit, sampleName, shardedSample } from '../../../../test/helpers/sharded.ts'

/** Processor time in milliseconds, sizes in bytes. */
export interface ShardCosts {
  readonly split: number
  readonly joinAll: number
  readonly joinOwn: number
  readonly documents: number
  readonly all: number
  readonly manifest: number
  /** What a device in the middle fetches, the manifest included. */
  readonly own: number
  /** Heap of JavaScript that the whole release takes, and that of a device's part. */
  readonly wholeHeap: number
  readonly ownHeap: number
}

/** Of a release for as many devices as a fleet may have, with a config each, or with one for all; in three waves. */
export function shardCosts(own: boolean): ShardCosts {
  const release = { ...shardedSample(limits.members, { own }), rollout: { waves: [{ count: 10 }, { percent: 10 }] } }
  const split = spent(() => splitRelease(release))
  const whole = spent(() => joinSplit(split.made))
  const device = { all: false, devices: [sampleName(limits.members / 2)] }
  const part = spent(() => joinSplit(split.made, device))
  const { documents } = split.made
  const size = (bytes: readonly Uint8Array[]) => bytes.reduce((sum, { length }) => sum + length, 0)
  const manifest = documents[0]?.length ?? 0
  const { places = [], missing = [] } = part.made.sharded ?? {}
  const gone = new Set(missing.map(({ entry }) => entry))
  const shards = places.filter(({ entry }) => !gone.has(entry)).reduce((sum, { entry }) => sum + entry.size, 0)
  return {
    ...{ split: split.ms, joinAll: whole.ms, joinOwn: part.ms, documents: documents.length, all: size(documents) },
    ...{ manifest, own: manifest + shards, wholeHeap: whole.heap, ownHeap: part.heap },
  }
}

/** Of the second of two runs: the first one also compiles. */
function spent<T>(work: () => T): { made: T; ms: number; heap: number } {
  work()
  globalThis.gc?.()
  const heap = process.memoryUsage().heapUsed
  const before = process.cpuUsage()
  const made = work()
  const { user, system } = process.cpuUsage(before)
  globalThis.gc?.()
  return { made, ms: (user + system) / 1000, heap: process.memoryUsage().heapUsed - heap }
}
