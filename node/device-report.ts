/** The parts of a device's report that are worked out: what fits of an error, and how an update went. */

import { seal } from '../protocol/dsse.ts'
import { fromHex } from '../protocol/hash.ts'
import type { Signer } from '../protocol/keys.ts'
import { limits } from '../protocol/limits.ts'
import { type DeviceState, type Report, reportKind } from '../protocol/report.ts'
import type { ActivationState, Entry } from './activation/entry.ts'
import type { Progress } from './swarm/progress.ts'

/** Of an error's message in a report, beside the rest of it. */
const maxMessageBytes = 2000

/** What fits a report: programs draw with characters of three bytes, and an envelope holds 4 KiB. */
export function shortened(message: string): string {
  const bytes = Buffer.from(message.slice(0, limits.message))
  if (bytes.length <= maxMessageBytes) return message.slice(0, limits.message)
  return new TextDecoder().decode(bytes.subarray(0, maxMessageBytes)).replace(/\uFFFD$/, '')
}

/** Of an envelope, what its signature and frame take. */
const envelopeFrame = 300

/** The signed report. What is long and least needed is cut until it fits: the excerpt, then the error's message. */
export function sealed(report: Report, signer: Signer): Uint8Array {
  let fitting = report
  for (const length of [400, 200, 0]) {
    if (fits(fitting)) break
    const { excerpt, ...rest } = fitting
    fitting = length === 0 || excerpt === undefined ? rest : { ...rest, excerpt: excerpt.slice(-length) }
  }
  if (!fits(fitting) && fitting.error !== undefined) {
    fitting = { ...fitting, error: { ...fitting.error, message: fitting.error.message.slice(0, 300) } }
  }
  return seal(reportKind, fitting, signer)
}

function fits(report: Report): boolean {
  return reportKind.codec.encode(report).length <= limits.envelope - envelopeFrame
}

const states: Record<ActivationState, DeviceState> = {
  armed: 'preflight',
  testing: 'testing',
  probing: 'probing',
  confirming: 'confirming',
  held: 'held',
  committing: 'committing',
  committed: 'running',
  'rolling-back': 'rolling-back',
  'rolled-back': 'rolled-back',
  interrupted: 'rolled-back',
  failed: 'failed',
}

/** What a report says of an update by its journal. */
export function activationStatus(entry: Entry) {
  const { state, health, attempt, code, message, excerpt, log } = entry
  return {
    state: states[state],
    ...(health && { health }),
    ...(state !== 'committed' && { attempts: attempt }),
    ...(code !== undefined && state !== 'committed' && { error: { code, message: shortened(message ?? code) } }),
    ...(excerpt !== undefined && { excerpt: shortened(excerpt) }),
    ...(log && { log: { hash: fromHex(log.hash), bytes: log.bytes } }),
  }
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
    wasted: progress?.wasted ?? 0,
    bytesPerSecond: Math.round(progress?.bytesPerSecond ?? 0),
  }
}
