/** Reports: a device's signed statement of what it runs and of its state. */

import { z } from 'zod'
import type { Extensions } from '../encoding/extensions.ts'
import {
  ageRecipientSchema,
  bootLength,
  bytesSchema,
  fleetIdSchema,
  formatVersion,
  messageSchema,
  nameSchema,
  timeSchema,
  versionSchema,
} from '../encoding/fields.ts'
import { ThymeshError } from '../errors.ts'
import { limits } from '../limits.ts'
import { storePathSchema } from '../nix/store-path.ts'
import { type Envelope, readEnvelope, signedKind } from '../signing/dsse.ts'
import { peerIdSchema, publicKeyOf } from '../signing/peer-id.ts'

/**
 * `waiting`: no release names it yet. `fetching` to `rolling-back`: the stages of an update. `held`: it runs but
 * isn't the boot default. `rolled-back`: the update failed and the previous generation runs again. `failed`: the
 * update wasn't tried, or the rollback failed too; `running` and `boots` tell which. docs/activation.md has the
 * diagram.
 */
export const deviceStateSchema = z.enum([
  'waiting',
  'fetching',
  'preflight',
  'activating',
  'testing',
  'probing',
  'confirming',
  'held',
  'committing',
  'running',
  'rolling-back',
  'rolled-back',
  'failed',
])
export type DeviceState = z.infer<typeof deviceStateSchema>

/**
 * `fresh`: by a live clock, the trusted head has not expired. `expired`: by a live clock, it has. `unknown`: the
 * device has no live clock.
 */
export const freshnessSchema = z.enum(['fresh', 'expired', 'unknown'])
export type Freshness = z.infer<typeof freshnessSchema>

const namesSchema = z.array(z.string().max(100)).max(limits.reportedNames)

/** `degraded`: all probes pass, but units fail that did not fail before. */
export const healthSchema = z.strictObject({
  state: z.enum(['healthy', 'degraded', 'failed']),
  /** The first units that fail and did not fail before the update. */
  units: namesSchema.optional(),
  /** Names of the first failed probes. */
  probes: namesSchema.optional(),
})
export type Health = z.infer<typeof healthSchema>

/**
 * Misbehaviour that the peer has detected. `clone`: two devices with one key. `equivocation`: two signed documents of
 * one version.
 */
export const alarmSchema = z.strictObject({
  kind: z.enum(['clone', 'equivocation']),
  /** The peer ID, or the role and version. */
  subject: z.string().max(100),
})
export type Alarm = z.infer<typeof alarmSchema>

const bytesCount = z.int().min(0).max(limits.narSize)

export const turnSchema = z.strictObject({
  release: versionSchema,
  /** Its wave, starting at 1. */
  wave: z
    .int()
    .min(1)
    .max(limits.waves + 1),
  /** `waiting`: ends with time or with the wave before. `held`: ends only with a newer release or a promotion. */
  is: z.enum(['waiting', 'held']),
  reason: z.string().max(limits.turnReason),
})
/** A device's place in a rollout. */
export type ReportedTurn = z.infer<typeof turnSchema>

/** The update in progress, or the last one. Sizes are in bytes of uncompressed chunks, except `wire`. */
export const updateSchema = z.strictObject({
  release: versionSchema,
  milliseconds: z.int().min(0),
  /** Paths that the store lacked, and how many of them are valid now. */
  paths: z.int().min(0),
  pathsDone: z.int().min(0),
  /** Bytes that had to be fetched, and bytes of the same paths that were on the device already. */
  needed: bytesCount,
  fromStore: bytesCount,
  fromControllers: bytesCount,
  fromNeighbours: bytesCount,
  /** The part of the previous two that came from other sites. */
  fromElsewhere: bytesCount,
  /** Bytes on the wire. */
  wire: bytesCount,
  /** Bytes of chunks that were redundant or invalid on arrival. */
  wasted: bytesCount.optional(),
  /** The current rate while chunks arrive, 0 if too little is known; after the fetch, the average. */
  bytesPerSecond: bytesCount,
  /** Estimated time until all chunks are here; absent if unknown. */
  secondsLeft: z.int().min(0).max(limits.secondsLeft).optional(),
})

const reportSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  peer: peerIdSchema,
  /** Increases with each report of this peer, also across restarts. */
  counter: versionSchema,
  /** When it was written, by the device's own clock. */
  at: timeSchema.optional(),
  state: deviceStateSchema,
  config: nameSchema.optional(),
  /** The site whose own release it follows; then `release`, `wanted`, `turn` and `update` use that site's versions. */
  site: nameSchema.optional(),
  /** The release that runs, or ran last. */
  release: versionSchema.optional(),
  /** The release that it is updating to, or failed to update to. */
  wanted: versionSchema.optional(),
  /** The top level that runs. */
  running: storePathSchema.optional(),
  /** Since when it has run that release, healthy and confirmed, by its own clock. Soak times are measured from it. */
  since: timeSchema.optional(),
  /** The top level of the next boot, if different from the running one. */
  boots: storePathSchema.optional(),
  /** Health after the last switch. */
  health: healthSchema.optional(),
  /** Attempts to switch to `wanted` so far, including this one. */
  attempts: z.int().min(1).max(1000).optional(),
  /** The last lines of a failed activation, and of its units' journals. */
  excerpt: messageSchema.optional(),
  /** The full log of that, which the device sends on request. */
  log: z
    .strictObject({
      hash: bytesSchema(32),
      bytes: z.int().min(0).max(limits.activationLog),
    })
    .optional(),
  freshness: freshnessSchema,
  /**
   * A random number of the process. In order of counters, an earlier one must not return, unless two devices share a
   * key.
   */
  boot: bytesSchema(bootLength).optional(),
  /** Requests a new certificate with this age recipient. */
  renew: z.strictObject({ age: ageRecipientSchema }).optional(),
  alarms: z.array(alarmSchema).max(limits.alarms).optional(),
  /** Why it waits with a release: its wave or its maintenance window isn't open. */
  turn: turnSchema.optional(),
  error: z.strictObject({ code: z.string().max(50), message: messageSchema }).optional(),
  update: updateSchema.optional(),
})
/** A report of version 1. */
export type PlainReport = z.infer<typeof reportSchema>

/** A report as it is read: of version 1, or of version 2 with its extensions. */
export type Report = PlainReport & { readonly extensions?: Extensions | undefined }

/** Errors after which a device doesn't retry the same release. */
export const finalUpdateErrors: readonly string[] = [
  'switch-failed',
  'not-running',
  'unsupported',
  'needs-reboot',
  'no-boot-once',
  'wrong-system',
  'downgrade',
  'health-failed',
  'degraded',
  'no-contact',
  'deadline',
  'boot-failed',
  'too-many-attempts',
  'rollback-failed',
]

/** Errors that the device tries again after, and that only a person ends: nobody need wait for it meanwhile. */
export const standingUpdateErrors: readonly string[] = ['missing-program']

/**
 * The highest report counter that a member may use, derived from its certificate's last second. A thief of a device's
 * key can exhaust the counters, so that the device can't report any more. A certificate with a later end, which only
 * the members role can sign, allows more, and no older report counts again.
 */
export function highestCounter({ expires }: { readonly expires: string }): number {
  return Math.floor(Date.parse(expires) / 1000) * limits.reportsPerSecond
}

export const reportKind = signedKind<PlainReport>('report', reportSchema)

export class ReportError extends ThymeshError<'other-fleet' | 'not-signed'> {}

/**
 * Verifies that a report of version 1 is signed by its own peer and belongs to this fleet. Throws a ReportError or a
 * FormatError.
 */
export function verifyReport(envelope: Uint8Array, fleet: string): PlainReport {
  const opened: Envelope<PlainReport> = readEnvelope(reportKind, envelope)
  const report = opened.document
  if (report.fleet !== fleet) {
    throw new ReportError(
      'other-fleet',
      `expected a report of fleet ${fleet.slice(0, 12)}, got ${report.fleet.slice(0, 12)}`,
    )
  }
  if (!opened.signedBy(publicKeyOf(report.peer))) {
    throw new ReportError('not-signed', `the report of ${report.peer} isn't signed by its peer`)
  }
  return report
}
