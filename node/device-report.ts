/** The parts of a device's report that are worked out: what fits of an error, and how an update went. */

import { limits } from '../protocol/limits.ts'
import type { Report } from '../protocol/report.ts'
import type { Progress } from './swarm/progress.ts'

/** Of an error's message in a report, beside the rest of it. */
const maxMessageBytes = 2000

/** What fits a report: programs draw with characters of three bytes, and an envelope holds 4 KiB. */
export function shortened(message: string): string {
  const bytes = Buffer.from(message.slice(0, limits.message))
  if (bytes.length <= maxMessageBytes) return message.slice(0, limits.message)
  return new TextDecoder().decode(bytes.subarray(0, maxMessageBytes)).replace(/\uFFFD$/, '')
}

export function updateOf(release: number, began: number, progress: Progress | undefined): Report['update'] {
  return {
    release,
    milliseconds: Date.now() - began,
    paths: progress?.paths ?? 0,
    pathsDone: progress?.pathsDone ?? 0,
    needed: progress?.needed ?? 0,
    fromStore: progress?.fromStore ?? 0,
    fromControllers: progress?.fromControllers ?? 0,
    fromNeighbours: progress?.fromNeighbours ?? 0,
    fromElsewhere: progress?.fromElsewhere ?? 0,
    wire: progress?.wire ?? 0,
    bytesPerSecond: Math.round(progress?.bytesPerSecond ?? 0),
  }
}
