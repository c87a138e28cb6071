/** What a device is told of one of its guests: a file that the module `virtual-machines` writes. */

import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { nameSchema } from '../../protocol/encoding/fields.ts'
import { jsonOf } from '../../protocol/encoding/json.ts'
import {
  leastDiskMegabytes,
  leastMemoryMegabytes,
  mostDiskMegabytes,
  mostMemoryMegabytes,
  mostProcessors,
} from './limits.ts'

const path = z.string().startsWith('/').max(4096)

const common = {
  v: z.literal(1),
  name: nameSchema,
  site: nameSchema.nullable(),
  memoryMegabytes: z.int().min(leastMemoryMegabytes).max(mostMemoryMegabytes),
  diskMegabytes: z.int().min(leastDiskMegabytes).max(mostDiskMegabytes),
  processors: z.int().min(1).max(mostProcessors),
  /** The file with its join token; null where the config names none, as for one that has joined. */
  token: path.nullable(),
}

export const guestPlanSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...common,
    kind: z.literal('container'),
    /** The directory that it boots from; null for the device's own programs. */
    root: path.nullable(),
    /** `device`: it reaches the device and its guests. `nat`: also what the device reaches. */
    network: z.enum(['device', 'nat']),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('qemu'),
    /** The script that makes its disk and starts it (nix/nixos/run-vm.sh). */
    program: path,
  }),
])
export type GuestPlan = z.infer<typeof guestPlanSchema>

export async function readGuestPlan(file: string): Promise<GuestPlan> {
  return guestPlanSchema.parse(jsonOf(await readFile(file, 'utf8')))
}
