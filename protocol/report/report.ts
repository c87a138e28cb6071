/** Reports: a device's signed statement of what it runs and how it is. */

import { z } from 'zod'
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
 * `waiting`: no release names it yet. `fetching` to `rolling-back`: where the update is. `held`: it runs and isn't what
 * boots. `rolled-back`: the update was tried, and what ran before runs again. `failed`: it was not tried, or going back
 * failed too; `running` and `boots` say what is. docs/activation.md has the diagram.
 */
const deviceStateSchema = z.enum([
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
 * `fresh`: a live clock says that the trusted head has not expired. `expired`: it says that it has. `unknown`: the device
 * has no live clock.
 */
const freshnessSchema = z.enum(['fresh', 'expired', 'unknown'])
export type Freshness = z.infer<typeof freshnessSchema>

const namesSchema = z.array(z.string().max(100)).max(limits.reportedNames)

/** `degraded`: every probe is well, but units failed that did not before. */
export const healthSchema = z.strictObject({
  state: z.enum(['healthy', 'degraded', 'failed']),
  /** Units that failed and had not before the update; the first ones. */
  units: namesSchema.optional(),
  /** Probes that failed, by name; the first ones. */
  probes: namesSchema.optional(),
})
export type Health = z.infer<typeof healthSchema>

/**
 * What a peer has seen that an honest fleet doesn't do. `clone`: two devices with one key. `equivocation`: two documents
 * of one version, both signed.
 */
const alarmSchema = z.strictObject({
  kind: z.enum(['clone', 'equivocation']),
  /** The peer ID, or the role and version. */
  subject: z.string().max(100),
})
export type Alarm = z.infer<typeof alarmSchema>

const bytesCount = z.int().min(0).max(limits.narSize)

const turnSchema = z.strictObject({
  release: versionSchema,
  /** Its wave, from 1. */
  wave: z
    .int()
    .min(1)
    .max(limits.waves + 1),
  /** `waiting`: time or the wave before brings it on. `held`: only a newer release or a promotion does. */
  is: z.enum(['waiting', 'held']),
  reason: z.string().max(limits.turnReason),
})
/** What a device says of its turn in a rollout. */
export type ReportedTurn = z.infer<typeof turnSchema>

const reportSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  peer: peerIdSchema,
  /** Rises with each report of this peer, also over restarts. */
  counter: versionSchema,
  /** When it was written, by the device's own clock. */
  at: timeSchema.optional(),
  state: deviceStateSchema,
  config: nameSchema.optional(),
  /** The site whose own release it follows: `release`, `wanted`, `turn` and `update` count that site's then. */
  site: nameSchema.optional(),
  /** The release that runs, or that ran last. */
  release: versionSchema.optional(),
  /** The release that it is updating to, or failed to update to. */
  wanted: versionSchema.optional(),
  /** The top level that runs. */
  running: storePathSchema.optional(),
  /** Since when it has run that, healthy and confirmed, by its own clock: what soak times are measured from. */
  since: timeSchema.optional(),
  /** The top level that the next boot brings, where that is another one than what runs. */
  boots: storePathSchema.optional(),
  /** After the last switch. */
  health: healthSchema.optional(),
  /** Switches to `wanted` so far, this one included. */
  attempts: z.int().min(1).max(1000).optional(),
  /** The last lines of an activation that failed, and of the journals of its units. */
  excerpt: messageSchema.optional(),
  /** All that the device kept of that: ask it for the log of this name. */
  log: z
    .strictObject({
      hash: bytesSchema(32),
      bytes: z.int().min(0).max(limits.activationLog),
    })
    .optional(),
  freshness: freshnessSchema,
  /** Drawn anew by each process. In the order of counters none comes back after another, unless two have one key. */
  boot: bytesSchema(bootLength).optional(),
  /** Asks for a new certificate, with this age recipient. */
  renew: z.strictObject({ age: ageRecipientSchema }).optional(),
  alarms: z.array(alarmSchema).max(limits.alarms).optional(),
  /** Why it does not go on with a release that it wants: its wave isn't open, or its maintenance window. */
  turn: turnSchema.optional(),
  error: z.strictObject({ code: z.string().max(50), message: messageSchema }).optional(),
  /** The update in progress, or the last one. Bytes are of chunks, uncompressed but for `wire`. */
  update: z
    .strictObject({
      release: versionSchema,
      milliseconds: z.int().min(0),
      /** Paths that the store lacked, and how many of them are in it now. */
      paths: z.int().min(0),
      pathsDone: z.int().min(0),
      /** What was not on the device when the fetch began, and what of its paths was. */
      needed: bytesCount,
      fromStore: bytesCount,
      fromControllers: bytesCount,
      fromNeighbours: bytesCount,
      /** Of the two before, what came from other sites. */
      fromElsewhere: bytesCount,
      /** What it took on the wire. */
      wire: bytesCount,
      /** Chunks that came and were here by then, or were wrong. */
      wasted: bytesCount.optional(),
      /** While chunks come: lately; 0 when none do, or too few yet to know. Else over the whole fetch. */
      bytesPerSecond: bytesCount,
      /** Until all chunks are here, at that rate; left out when that isn't known. */
      secondsLeft: z.int().min(0).max(limits.secondsLeft).optional(),
    })
    .optional(),
})
export type Report = z.infer<typeof reportSchema>

/** Errors after which a device doesn't try the same release again. */
export const finalUpdateErrors: readonly string[] = [
  'switch-failed',
  'not-running',
  'unsupported',
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

/**
 * The highest counter that a member's reports can have, by the last second of its certificate. Whoever has stolen a device's key
 * can use it up, so that the device can't report on; a certificate that ends later, which only the members role signs, gives
 * room again, and no older report comes back.
 */
export function highestCounter({ expires }: { readonly expires: string }): number {
  return Math.floor(Date.parse(expires) / 1000) * limits.reportsPerSecond
}

export const reportKind = signedKind<Report>('report', reportSchema)

export class ReportError extends ThymeshError<'other-fleet' | 'not-signed'> {}

/** A report, verified to be its peer's own and of this fleet. Throws a ReportError or a FormatError. */
export function verifyReport(envelope: Uint8Array, fleet: string): Report {
  const opened: Envelope<Report> = readEnvelope(reportKind, envelope)
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
