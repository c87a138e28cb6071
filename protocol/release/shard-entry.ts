/** Shards of a release as its manifest names them: by hash, with the names between which their devices are. */

import { z } from 'zod'
import { bytesSchema, nameSchema } from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'

export const shardEntrySchema = z
  .strictObject({
    /** The first and the last of its devices' names, by code units. */
    first: nameSchema,
    last: nameSchema,
    devices: z.int().min(1).max(limits.members),
    hash: bytesSchema(hashLength),
    /** Its length in bytes. */
    size: z.int().min(1).max(limits.releaseShard),
  })
  .refine(({ first, last, devices }) => (devices === 1 ? first === last : first < last), {
    error: 'expected the names of the first and the last device, in order',
  })

/** A shard as its manifest names it. */
export type ShardEntry = z.infer<typeof shardEntrySchema>

/** A shard with its place in the manifest. */
export interface PlacedEntry {
  /** Starting at 1. */
  readonly wave: number
  readonly entry: ShardEntry
}

/** Whether a shard would have the entry of this device, if the release names it in that wave. */
export function covers({ first, last }: Pick<ShardEntry, 'first' | 'last'>, device: string): boolean {
  return first <= device && device <= last
}

/** The order of names in manifests: by code units, on every machine alike. */
export function byName(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
