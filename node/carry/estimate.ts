/** Estimates what a closure costs devices that hold others: bytes of new chunks, and how small they get on the wire. */

import { toHex } from '../../protocol/encoding/hash.ts'
import { packed } from '../bundle/packing.ts'
import type { Closures, KnownClosure } from '../swarm/chunks/closures.ts'
import type { SwarmService } from '../swarm/session/swarm-service.ts'
import { sampledChunks } from './limits.ts'

export interface EstimateComponents {
  readonly closures: Pick<Closures, 'held'>
  readonly swarms: Pick<SwarmService, 'open'>
}

export interface Estimate {
  readonly chunks: number
  /** Before compression. */
  readonly bytes: number
  /** On the wire, by the compression of some of the chunks; deltas may make it less. */
  readonly wire: number
}

/** `wanted` and `held` are SHA-256 of descriptors; those that are not known here are left out. */
export async function estimateOf(
  components: EstimateComponents,
  wanted: readonly Uint8Array[],
  held: readonly Uint8Array[],
): Promise<Estimate> {
  const known = async (hashes: readonly Uint8Array[]) =>
    (await Promise.all(hashes.map(hash => components.closures.held(hash)))).filter(each => each !== undefined)
  const has = new Set((await known(held)).flatMap(idsOf))
  const fresh: { closure: KnownClosure; number: number }[] = []
  for (const closure of await known(wanted)) {
    for (const [number, id] of idsOf(closure).entries()) {
      if (has.has(id)) continue
      has.add(id)
      fresh.push({ closure, number })
    }
  }
  const bytes = fresh.reduce((sum, { closure, number }) => sum + closure.list.length(number), 0)
  const ratio = await ratioOf(components, fresh)
  return { chunks: fresh.length, bytes, wire: Math.ceil(bytes * ratio) }
}

function idsOf({ list }: KnownClosure): string[] {
  return Array.from(list.lengths.keys(), number => toHex(list.hash(number)))
}

/** Of chunks at equal distances, each compressed alone, as it goes over a slow link. */
async function ratioOf(
  { swarms }: EstimateComponents,
  fresh: readonly { closure: KnownClosure; number: number }[],
): Promise<number> {
  let whole = 0
  let small = 0
  const step = Math.max(1, fresh.length / sampledChunks)
  for (let at = 0; at < fresh.length; at += step) {
    const { closure, number } = fresh[Math.floor(at)] as (typeof fresh)[number]
    const chunk = await (await swarms.open(closure)).chunks.read(number)
    if (chunk === undefined) continue
    whole += chunk.length
    small += Math.min(chunk.length, (await packed(chunk)).length)
  }
  return whole === 0 ? 1 : small / whole
}
