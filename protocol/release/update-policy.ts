/** The update policy of a config: health checks, confirmation, retention and maintenance windows. */

import { z } from 'zod'
import { timeZoneSchema, unitNameSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'

/**
 * Timing of a probe after a switch. It runs every `intervalSeconds` with a timeout of `timeoutSeconds`, and passes
 * after `successes` consecutive successes. It fails after `withinSeconds`.
 */
const timing = {
  /** Its name in reports; by default a description of the check. */
  name: z.string().min(1).max(63).optional(),
  timeoutSeconds: z.int().min(1).max(300).optional(),
  intervalSeconds: z.int().min(1).max(300).optional(),
  successes: z.int().min(1).max(100).optional(),
  withinSeconds: z.int().min(1).max(3600).optional(),
}

/** The target of a probe: the device itself, or an address that it must reach. */
const hostSchema = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[a-zA-Z0-9._:-]+$/, { error: 'expected a host name or an IP address' })

const urlSchema = z
  .string()
  .max(1000)
  .regex(/^https?:\/\/[^\s/]+/, { error: 'expected a URL with http or https' })

const probeSchema = z.discriminatedUnion('kind', [
  /** The unit is active. */
  z.strictObject({ kind: z.literal('unit'), unit: unitNameSchema, ...timing }),
  /** The port accepts a connection; on the device itself unless a host is given. */
  z.strictObject({ kind: z.literal('tcp'), host: hostSchema.optional(), port: z.int().min(1).max(65_535), ...timing }),
  /** The URL returns this status, or any from 200 to 299. */
  z.strictObject({ kind: z.literal('http'), url: urlSchema, status: z.int().min(100).max(599).optional(), ...timing }),
  /** The program exits with code 0. */
  z.strictObject({
    kind: z.literal('command'),
    command: z.array(z.string().max(1000)).min(1).max(32),
    ...timing,
  }),
])
export type Probe = z.infer<typeof probeSchema>

/** Five fields: minute, hour, day of the month, month, day of the week. Seconds are not supported. */
const cronSchema = z
  .string()
  .max(100)
  .regex(/^[0-9A-Za-z*?,/#L-]+(?: [0-9A-Za-z*?,/#L-]+){4}$/, {
    error: 'expected a cron expression of five fields, such as 30 3 * * 1-5',
  })

export const windowSchema = z.strictObject({
  /** When it opens. */
  cron: cronSchema,
  timeZone: timeZoneSchema.optional(),
  /** How long it stays open. */
  minutes: z
    .int()
    .min(1)
    .max(7 * 24 * 60),
})
export type MaintenanceWindow = z.infer<typeof windowSchema>

/** The policy in a release. Every key is optional, so that a release contains only what its project sets. */
export const updatePolicySchema = z.strictObject({
  health: z
    .strictObject({
      /** `compare`: a unit that failed before the update may also fail after it. `ignore`: only probes count. */
      units: z.enum(['compare', 'ignore']).optional(),
      /** How long new failures may take to recover, such as units that restart by themselves. */
      settleSeconds: z.int().min(0).max(3600).optional(),
      probes: z.array(probeSchema).max(limits.probes).optional(),
    })
    .optional(),
  /**
   * The action if all probes pass but units fail that did not fail before. `roll-back`: treat it as a failure.
   * `confirm`: keep it and report it. `hold`: keep it running without making it the boot default, until the units
   * recover or a newer release comes.
   */
  degraded: z.enum(['roll-back', 'confirm', 'hold']).optional(),
  confirm: z
    .strictObject({
      /** The time from the switch to the confirmation; after it, the device rolls back. */
      deadlineSeconds: z
        .int()
        .min(10)
        .max(24 * 3600)
        .optional(),
      /** Members that must be reachable after the switch, if as many were reachable before; 0 for none. */
      peers: z.int().min(0).max(100).optional(),
    })
    .optional(),
  /**
   * Switches to one release that may end without a verdict (a power cut, a crash of the daemon) before it counts as
   * failed.
   */
  attempts: z.int().min(1).max(20).optional(),
  /** Consecutive failed boots of a committed generation before the device returns to the previous one. */
  bootAttempts: z.int().min(1).max(20).optional(),
  /** Generations to keep: the newest ones, and those younger than the given age. */
  keep: z
    .strictObject({
      generations: z.int().min(1).max(1000).optional(),
      days: z.int().min(0).max(3650).optional(),
    })
    .optional(),
  /** When the store is garbage-collected; `false` for never. */
  gc: z.union([z.literal(false), z.strictObject({ cron: cronSchema, timeZone: timeZoneSchema.optional() })]).optional(),
  disk: z
    .strictObject({
      /** Free space that an update must leave, in bytes. */
      reserveBytes: z.int().min(0).max(limits.narSize).optional(),
    })
    .optional(),
  /** Maintenance windows in which an update may begin; at any time if there are none. */
  windows: z.array(windowSchema).max(limits.windows).optional(),
})
/** The policy as written in a project or release. */
export type UpdatePolicyInput = z.infer<typeof updatePolicySchema>

export interface ProbeTiming {
  readonly timeoutSeconds: number
  readonly intervalSeconds: number
  readonly successes: number
  readonly withinSeconds: number
}

/** A policy with all defaults filled in. */
export interface UpdatePolicy {
  readonly health: {
    readonly units: 'compare' | 'ignore'
    readonly settleSeconds: number
    readonly probes: readonly Probe[]
  }
  readonly degraded: 'roll-back' | 'confirm' | 'hold'
  readonly confirm: { readonly deadlineSeconds: number; readonly peers: number }
  readonly attempts: number
  readonly bootAttempts: number
  readonly keep: { readonly generations: number; readonly days: number }
  readonly gc: false | { readonly cron: string; readonly timeZone: string }
  readonly disk: { readonly reserveBytes: number }
  readonly windows: readonly Required<MaintenanceWindow>[]
}

/** Defaults of an update policy. */
export const defaultPolicy: UpdatePolicy = {
  health: { units: 'compare', settleSeconds: 30, probes: [] },
  degraded: 'roll-back',
  confirm: { deadlineSeconds: 600, peers: 1 },
  attempts: 3,
  bootAttempts: 3,
  keep: { generations: 5, days: 14 },
  gc: { cron: '17 4 * * 0', timeZone: 'UTC' },
  disk: { reserveBytes: 64 * 1024 * 1024 },
  windows: [],
}

const defaultTiming: ProbeTiming = { timeoutSeconds: 5, intervalSeconds: 2, successes: 1, withinSeconds: 60 }

/** The effective policy: explicit values override the defaults. */
export function policyOf(said: UpdatePolicyInput | undefined): UpdatePolicy {
  const { health, confirm, keep, gc, disk, windows, ...rest } = said ?? {}
  return {
    ...defaultPolicy,
    ...given(rest),
    health: { ...defaultPolicy.health, ...given(health) },
    confirm: { ...defaultPolicy.confirm, ...given(confirm) },
    keep: { ...defaultPolicy.keep, ...given(keep) },
    gc: gc === undefined ? defaultPolicy.gc : gc && { timeZone: 'UTC', ...given(gc) },
    disk: { ...defaultPolicy.disk, ...given(disk) },
    windows: (windows ?? []).map(window => ({ timeZone: 'UTC', ...given(window) })),
  }
}

/** A probe's timing with defaults filled in. */
export function timingOf(probe: Probe): ProbeTiming {
  const { timeoutSeconds, intervalSeconds, successes, withinSeconds } = probe
  return { ...defaultTiming, ...given({ timeoutSeconds, intervalSeconds, successes, withinSeconds }) }
}

/** A probe's name in reports. */
export function probeName(probe: Probe): string {
  if (probe.name !== undefined) return probe.name
  switch (probe.kind) {
    case 'unit':
      return probe.unit.slice(0, 63)
    case 'tcp':
      return `tcp ${probe.host ?? 'localhost'}:${probe.port}`.slice(0, 63)
    case 'http':
      return probe.url.slice(0, 63)
    case 'command':
      return probe.command.join(' ').slice(0, 63)
  }
}

/** Only the keys that have a value: `undefined` must not hide a default. */
function given<T extends object>(value: T | undefined): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, item]) => item !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
