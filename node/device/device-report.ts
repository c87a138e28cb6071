/** Builds the parts of a device's report: error excerpts, the state of an update, and what fits into an envelope. */

import { FormatError } from '../../protocol/encoding/cbor.ts'
import type { Extensions } from '../../protocol/encoding/extensions.ts'
import type { Target } from '../../protocol/encoding/fields.ts'
import { fromHex } from '../../protocol/encoding/hash.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { Release } from '../../protocol/release/release.ts'
import { extendedReportKind } from '../../protocol/report/extended-report.ts'
import { type DeviceState, type PlainReport, type Report, reportKind } from '../../protocol/report/report.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import type { Signer } from '../../protocol/signing/keys.ts'
import type { Activator } from '../activation/activator.ts'
import type { ActivationState, JournalEntry } from '../activation/journal-entry.ts'
import type { OwnState } from '../state/own-state.ts'
import type { Progress } from '../swarm/fetch/progress.ts'

/** The longest error message in a report. */
const maxMessageBytes = 2000

/** Shortens a message to fit a report: programs draw with three-byte characters, and an envelope holds 4 KiB. */
export function shortened(message: string): string {
  const bytes = Buffer.from(message.slice(0, limits.message))
  if (bytes.length <= maxMessageBytes) return message.slice(0, limits.message)
  return new TextDecoder().decode(bytes.subarray(0, maxMessageBytes)).replace(/\uFFFD$/, '')
}

/** The report's error for a caught value. */
export function failureOf(thrown: unknown): NonNullable<Report['error']> {
  return { code: thrown instanceof ThymeshError ? thrown.code : 'failed', message: shortened(messageOf(thrown)) }
}

/** Reductions for a report that is too large, the least important part first. Each shortens one part. */
const cuts: readonly ((report: PlainReport) => PlainReport)[] = [
  report => ({ ...report, excerpt: report.excerpt?.slice(-400) }),
  report => ({ ...report, excerpt: report.excerpt?.slice(-200) }),
  ({ excerpt, ...report }) => report,
  report => ({ ...report, error: report.error && { ...report.error, message: report.error.message.slice(0, 300) } }),
  report => ({ ...report, health: report.health && { ...report.health, units: report.health.units?.slice(0, 2) } }),
  report => ({ ...report, health: report.health && { ...report.health, probes: report.health.probes?.slice(0, 2) } }),
  report => ({ ...report, alarms: report.alarms?.slice(0, 2) }),
  report => ({ ...report, error: report.error && { ...report.error, message: report.error.message.slice(0, 60) } }),
  report => ({ ...report, turn: report.turn && { ...report.turn, reason: report.turn.reason.slice(0, 60) } }),
]

/** What version 2 of a report adds: its extensions, and a counter above that of the report in it. */
export interface ReportAddition {
  readonly extensions: Extensions
  readonly counter: number
}

/**
 * Signs a report, reduced until it fits: an oversized one could not be written, and the device would look silent. Version 2
 * is written only if there is something to add.
 */
export function signReport(report: PlainReport, signer: Signer, addition?: ReportAddition): Uint8Array {
  let fitting = report
  for (const cut of cuts) {
    const envelope = signedIfItFits(fitting, signer, addition)
    if (envelope !== undefined) return envelope
    fitting = cut(fitting)
  }
  return signed(fitting, signer, addition)
}

function signed(report: PlainReport, signer: Signer, addition: ReportAddition | undefined): Uint8Array {
  const plain = signEnvelope(reportKind, report, signer)
  if (addition === undefined) return plain
  const { fleet, peer } = report
  return signEnvelope(extendedReportKind, { v: 2, fleet, peer, report: plain, ...addition }, signer)
}

function signedIfItFits(
  report: PlainReport,
  signer: Signer,
  addition: ReportAddition | undefined,
): Uint8Array | undefined {
  try {
    return signed(report, signer, addition)
  } catch (thrown) {
    if (thrown instanceof FormatError && thrown.code === 'too-large') return undefined
    throw thrown
  }
}

const states: Record<ActivationState, DeviceState> = {
  staging: 'preflight',
  rebooting: 'activating',
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

/** The report's fields for an update, from its journal entry. */
export function activationStatus(entry: JournalEntry) {
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

/** The report's fields for an update, from its fetch progress. `began` is in milliseconds since 1970. */
export function updateOf(
  release: number,
  began: number,
  progress: Progress | undefined,
): NonNullable<Report['update']> {
  const secondsLeft = progress?.secondsLeft && Math.ceil(progress.secondsLeft)
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
    ...(secondsLeft && secondsLeft <= limits.secondsLeft && { secondsLeft }),
  }
}

/** A report's content without its sender, counter and time. */
export type Status = Omit<PlainReport, 'v' | 'fleet' | 'peer' | 'counter' | 'at' | 'freshness' | 'site'>

/**
 * Removes the release's fields, for a switch between a site's and the fleet's releases, whose versions are unrelated.
 */
export function withoutReleases({ release: _r, wanted: _w, turn: _t, update: _u, error: _e, ...rest }: Status): Status {
  return rest
}

/** Records the release of the running system, even if the system is unchanged; returns the report's fields for it. */
export async function noteRunning(
  own: Pick<OwnState, 'running' | 'setRunning'>,
  { version, site }: Pick<Release, 'version' | 'site'>,
  { name: config, topLevel }: { name: string; topLevel: string },
): Promise<Pick<Status, 'config' | 'release' | 'since'>> {
  const before = await own.running()
  const since = before?.topLevel === topLevel ? before.since : undefined
  const noted = { config, release: version, ...(since && { since }) }
  if (before?.release !== version || before.site !== site)
    await own.setRunning({ ...noted, topLevel, ...(site && { site }) })
  return noted
}

/**
 * The running and the boot default system from the machine, and their release from our own records, if the site
 * matches.
 */
export async function currentOf(
  { activator, own }: { activator: Pick<Activator, 'running' | 'boots'>; own: Pick<OwnState, 'running'> },
  target: Target,
  site: string | undefined,
): Promise<Pick<Status, 'running' | 'release' | 'since' | 'boots'>> {
  const running = await activator.running()
  const boots = await activator.boots(target)
  const noted = await own.running()
  const isNoted = noted !== undefined && noted.topLevel === running
  return {
    ...(running && { running }),
    ...(boots && boots !== running && { boots }),
    ...(isNoted && noted.site === site && { release: noted.release }),
    ...(isNoted && noted.since && { since: noted.since }),
  }
}

/** Whether an update failed only because no peer in reach had a document, or its part of the release. */
export function lacksPeers(thrown: unknown): boolean {
  return thrown instanceof ThymeshError && (thrown.code === 'no-peer' || thrown.code === 'no-shard')
}
