/**
 * The extensions of a report about witnessed logs: the head of the device's own, whose readers become its witnesses, and the
 * devices of which it has evidence that theirs shrank or forked.
 */

import { z } from 'zod'
import { type LogHead, logHeadSchema } from '../audit/log-head.ts'
import type { Extensions } from '../encoding/extensions.ts'
import { limits } from '../limits.ts'
import { peerIdSchema } from '../signing/peer-id.ts'
import type { Report } from './report.ts'

/** The name of the extension with the head. */
export const logHeadName = 'log-head'
const forkedName = 'forked-logs'

const forkedSchema = z.array(peerIdSchema).max(limits.alarms)

export function logHeadExtension({ size, root, signature }: LogHead): Extensions {
  return { [logHeadName]: { size, root, signature } }
}

/** The head of a device's log, whose own signature is not verified yet; undefined where it says none. */
export function logHeadIn({ extensions }: Pick<Report, 'extensions'>): LogHead | undefined {
  return logHeadSchema.safeParse(extensions?.[logHeadName]).data
}

/** Plain reports have alarms of kinds that peers of the version before know: this one travels beside them. */
export function forkedLogsExtension(peers: readonly string[]): Extensions {
  return peers.length === 0 ? {} : { [forkedName]: peers.slice(-limits.alarms) }
}

export function forkedLogsIn({ extensions }: Pick<Report, 'extensions'>): readonly string[] {
  return forkedSchema.safeParse(extensions?.[forkedName]).data ?? []
}
