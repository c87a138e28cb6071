/** What a peer says of its network: its connections, and a check of what the network lets it do. */

import { z } from 'zod'
import { roleSchema } from '../../../protocol/encoding/fields.ts'

export const waySchema = z.object({
  /** `direct`: one side dialled the other. `punched`: both did at the same time, through their NATs. `relayed`: by a hub. */
  kind: z.enum(['direct', 'punched', 'relayed']),
  /** The name of the hub. */
  hub: z.string().nullable(),
})
export type WayView = z.infer<typeof waySchema>

const connectionSchema = z.object({
  peer: z.string(),
  name: z.string(),
  role: roleSchema,
  site: z.string().nullable(),
  way: waySchema,
  /** `out`: this peer opened it. */
  direction: z.enum(['in', 'out']),
  /** The far end, as this peer sees it. */
  address: z.string(),
  roundTripMs: z.number().nullable(),
  since: z.string(),
  /** Bytes, with all encryption and framing. */
  received: z.int(),
  sent: z.int(),
  /** Name and version of its program, as it says. */
  agent: z.string().nullable(),
})
export type ConnectionView = z.infer<typeof connectionSchema>

export const peersSchema = z.object({ self: z.string(), connections: z.array(connectionSchema) })
export type PeersView = z.infer<typeof peersSchema>

const netCheckNames = [
  'listening',
  'peers',
  'nat',
  'reachable',
  'port-mapping',
  'hubs',
  'mdns',
  'clock',
  'ipv6',
] as const

const netCheckSchema = z.object({
  check: z.enum(netCheckNames),
  /** `none`: nothing is wrong, but it isn't there. */
  result: z.enum(['good', 'none', 'bad']),
  message: z.string(),
  /** What to do about it. */
  hint: z.string().nullable(),
})
export type NetCheck = z.infer<typeof netCheckSchema>

export const netChecksSchema = z.object({
  self: z.string(),
  /** Whether nothing is bad. */
  ok: z.boolean(),
  nat: z.enum(['none', 'easy', 'hard', 'unknown']),
  checks: z.array(netCheckSchema),
})
export type NetChecks = z.infer<typeof netChecksSchema>
