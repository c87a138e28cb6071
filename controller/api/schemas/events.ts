/** Events of the API's stream: what has changed since the state was read. */

import { z } from 'zod'
import { deviceStatusSchema } from './status.ts'
import { taskSchema } from './task.ts'

/** By kind. `reset`: events are missing here, so the state has to be read again. */
export const eventSchemas = {
  /** A report or a certificate of a device came: its whole row. */
  device: deviceStatusSchema,
  /** A release, a root or a revocation is in force: rows of all devices may be other ones. */
  release: z.object({ release: z.int(), sites: z.record(z.string(), z.int()) }),
  /** A proposal is new, has gained signatures or is closed. */
  proposal: z.object({ id: z.string(), closed: z.boolean(), complete: z.boolean() }),
  /** Members have come into reach or have left it: the names of all that are connected now. */
  peers: z.object({ peers: z.array(z.string()) }),
  /** A task began, is further, or has ended. */
  task: taskSchema,
  /** Files of the project were written over the API. */
  project: z.object({ files: z.array(z.string()) }),
  reset: z.object({}),
}
export type EventKind = keyof typeof eventSchemas
export type EventData<Kind extends EventKind> = z.infer<(typeof eventSchemas)[Kind]>
