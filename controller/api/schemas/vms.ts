/** Virtual machines of this computer: what commands print of them. */

import { z } from 'zod'

const vmRowSchema = z.object({
  name: z.string(),
  config: z.string(),
  kind: z.enum(['container', 'qemu']),
  /** `unfinished`: the command that makes it is at work, or was ended; `damaged`: its record can't be read. */
  state: z.enum(['running', 'stopped', 'unfinished', 'damaged']),
  /** Where this computer reaches it; a machine of QEMU has none. */
  address: z.string().nullable(),
  memoryMegabytes: z.int().nullable(),
  diskMegabytes: z.int().nullable(),
  /** What its disk takes here now. */
  usedMegabytes: z.int().nullable(),
  created: z.string().nullable(),
})
export type VmRow = z.infer<typeof vmRowSchema>

export const vmsSchema = z.object({ machines: z.array(vmRowSchema) })

export const vmMadeSchema = z.object({
  name: z.string(),
  /** Its peer ID; null for a machine that joins at its first start. */
  peer: z.string().nullable(),
  config: z.string(),
  site: z.string().nullable(),
  address: z.string().nullable(),
  /** Files of the project that were written. */
  written: z.array(z.string()),
  started: z.boolean(),
  /** Whether a controller has met it, and signed for it. */
  member: z.boolean(),
})

export const vmStartedSchema = z.object({ name: z.string(), started: z.boolean(), address: z.string().nullable() })
export const vmStoppedSchema = z.object({ name: z.string(), stopped: z.boolean(), killed: z.boolean() })
export const vmRemovedSchema = z.object({
  name: z.string(),
  removed: z.boolean(),
  /** Members that were revoked; null where the fleet was not asked. */
  retired: z.array(z.object({ name: z.string(), peer: z.string() })).nullable(),
  written: z.array(z.string()),
})
