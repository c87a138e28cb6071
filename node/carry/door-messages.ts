/** What `thymesh bundle take`, `carry out`, `why`, `peers` and the daemon of the same machine say to each other: JSON lines over a Unix socket. */

import { join } from 'node:path'
import { z } from 'zod'
import { HintedError } from '../../protocol/errors.ts'
import { netChecksSchema, peersSchema } from '../mesh/relay/network-view.ts'
import { deviceFactsSchema } from '../standing/facts.ts'

/** The socket, in the daemon's state. */
export function bundleSocket(stateDirectory: string): string {
  return join(stateDirectory, 'bundles.sock')
}

/** A path that the daemon can open, such as one below /proc of the command's process. */
const pathSchema = z.string().min(1).max(4096)

export const doorRequestSchema = z.union([
  /** Attaches the bundle at this path until it is needed no longer. */
  z.strictObject({ v: z.literal(1), path: pathSchema, quietSeconds: z.number().min(0).max(86_400) }),
  /** Writes the device's outbox to this file. */
  z.strictObject({ v: z.literal(1), outbox: pathSchema }),
  /** Tells the facts about a device; without a name about this one. */
  z.strictObject({ v: z.literal(1), facts: z.strictObject({ device: z.string().max(63).optional() }) }),
  /** Looks at the daemon's connections, or checks its network. */
  z.strictObject({ v: z.literal(1), look: z.enum(['peers', 'network']) }),
])
export type DoorRequest = z.infer<typeof doorRequestSchema>

const feedFields = {
  trust: z.enum(['newer', 'same', 'older', 'expired']),
  release: z.int().nullable(),
  readBytes: z.int(),
  packBytes: z.int(),
  volume: z.int(),
  volumes: z.int(),
}

export const doorAnswerSchema = z.union([
  z.strictObject({ v: z.literal(1), outbox: z.strictObject({ device: z.string().max(63), bytes: z.int() }) }),
  z.strictObject({ v: z.literal(1), facts: deviceFactsSchema }),
  z.strictObject({ v: z.literal(1), peers: peersSchema }),
  z.strictObject({ v: z.literal(1), network: netChecksSchema }),
  z.strictObject({ v: z.literal(1), news: z.strictObject(feedFields) }),
  z.strictObject({ v: z.literal(1), end: z.strictObject({ ...feedFields, outcome: z.enum(['done', 'incomplete']) }) }),
  z.strictObject({
    v: z.literal(1),
    error: z.strictObject({ code: z.string().max(50), message: z.string(), hint: z.string().nullable() }),
  }),
])
export type DoorAnswer = z.infer<typeof doorAnswerSchema>

export class DoorError extends HintedError<'not-understood' | 'no-daemon' | 'busy' | 'ended'> {}
