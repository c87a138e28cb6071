/** Alert rules and channels, as `alerts.json` of a project has them and as they travel in a release's extension. */

import { z } from 'zod'
import { nameSchema, unitNameSchema } from '../encoding/fields.ts'
import { seriesNames } from '../metrics/series.ts'
import type { Release } from '../release/release.ts'
import { windowSchema } from '../release/update-policy.ts'
import { deviceStateSchema } from '../report/report.ts'

const maxRules = 64
const maxChannels = 16
/** Series that a rule may watch: all but those that say nothing by their size. */
const metricSchema = z.enum(seriesNames)

const units = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** A time span in seconds; NaN for a text that is none. */
export function spanSeconds(text: string): number {
  const [, count, unit] = /^(\d{1,5})([smhd])$/.exec(text) ?? []
  return count === undefined ? Number.NaN : Number(count) * units[unit as keyof typeof units]
}

function spanSchema(least: string, most: string) {
  return z.string().refine(text => spanSeconds(text) >= spanSeconds(least) && spanSeconds(text) <= spanSeconds(most), {
    error: `expected a time from ${least} to ${most}, such as 15m, 24h or 14d`,
  })
}

const forSpan = spanSchema('0s', '30d').optional().meta({ description: 'How long it must last before it counts' })
/** Whole numbers: extensions have no fractions. */
const bound = z.int().min(-1_000_000_000).max(1_000_000_000)

/** One condition; each kind has its own key. */
const conditionSchema = z.union(
  [
    z.strictObject({
      absent: spanSchema('30m', '365d').meta({ description: 'Nobody has heard of the device for this long' }),
    }),
    z
      .strictObject({
        metric: metricSchema,
        above: bound.optional(),
        below: bound.optional(),
        /** Where it counts as over. */
        clear: bound
          .optional()
          .meta({ description: 'The value at which it counts as over (default: the bound itself)' }),
        for: forSpan,
      })
      .refine(({ above, below }) => (above === undefined) !== (below === undefined), {
        error: 'expected "above" or "below", one of them',
      }),
    z.strictObject({ state: deviceStateSchema, for: forSpan }),
    z.strictObject({
      unit: z.union([unitNameSchema, z.literal('*')]).meta({ description: 'A unit that has failed; * for any' }),
      for: forSpan,
    }),
    z.strictObject({ freshness: z.enum(['expired', 'unknown']), for: forSpan }),
    z.strictObject({
      certificate: spanSchema('1h', '365d').meta({ description: "The device's certificate ends within this time" }),
    }),
    z.strictObject({ held: z.literal(true).meta({ description: 'Its rollout is held by failures' }), for: forSpan }),
    z.strictObject({
      contradiction: z.literal(true).meta({ description: 'It has seen two documents of one version' }),
    }),
    z.strictObject({ clone: z.literal(true).meta({ description: 'It has seen a copied key' }) }),
    z.strictObject({
      wear: z.int().min(1).max(100).meta({ description: 'Percent of the life of its flash memory that is used' }),
    }),
  ],
  {
    error:
      'expected one of "absent", "metric", "state", "unit", "freshness", "certificate", "held", "contradiction", "clone" and "wear", with its own keys',
  },
)
export type Condition = z.infer<typeof conditionSchema>

const selectorSchema = z.strictObject({
  devices: z.array(nameSchema).max(1000).optional(),
  tags: z.array(nameSchema).max(100).optional(),
  sites: z.array(nameSchema).max(100).optional(),
})
/** Devices that match any of the lists; all devices where there is no list. */
export type Selector = z.infer<typeof selectorSchema>

const ruleSchema = z.strictObject({
  name: nameSchema,
  when: conditionSchema,
  on: selectorSchema.optional().meta({ description: 'The devices that it is about (default: all)' }),
  severity: z.enum(['info', 'warning', 'critical']).default('warning'),
  notify: z.array(nameSchema).max(maxChannels).default([]).meta({ description: 'Channels that are told' }),
  quiet: z.array(windowSchema).max(16).optional().meta({ description: 'Times in which nobody is told; it waits' }),
  resolve: z.boolean().default(true).meta({ description: 'Whether the end is told too' }),
  text: z
    .string()
    .max(300)
    .regex(/^[^\p{Cc}]*$/u, { error: 'expected one line of text' })
    .optional()
    .meta({ description: 'What a person who reads it should know' }),
})
export type AlertRule = z.infer<typeof ruleSchema>

/** A text of the release, or of a file on the device that sends: for what must not be read by everybody. */
function textSchema(text: z.ZodType<string>) {
  const file = z
    .string()
    .max(300)
    .regex(/^\/[^\0]*$/, { error: 'expected an absolute path' })
  return z.union([text, z.strictObject({ file })])
}
export type TextOrFile = string | { readonly file: string }

const urlSchema = z
  .string()
  .max(1000)
  .regex(/^https?:\/\/[^\s/]+/, { error: 'expected a URL with http or https' })
const shared = {
  by: selectorSchema.optional().meta({ description: 'The devices that can send (default: all)' }),
  private: z.boolean().default(false).meta({ description: 'Whether it may be at an address of a private network' }),
}

const channelSchema = z.union(
  [
    z.strictObject({
      webhook: textSchema(urlSchema).meta({ description: "Gets Alertmanager's webhook JSON" }),
      ...shared,
    }),
    z.strictObject({ alertmanager: textSchema(urlSchema).meta({ description: 'An Alertmanager' }), ...shared }),
    z.strictObject({ ntfy: textSchema(urlSchema).meta({ description: 'Server and topic of ntfy' }), ...shared }),
    z.strictObject({
      smtp: z.strictObject({
        host: z
          .string()
          .max(253)
          .regex(/^[a-zA-Z0-9._:-]+$/, { error: 'expected a host name or an IP address' }),
        port: z.int().min(1).max(65_535).default(587),
        /** `starttls` refuses a server without it. */
        security: z.enum(['tls', 'starttls', 'none']).default('starttls'),
        user: z.string().max(200).optional(),
        password: textSchema(z.string().max(200)).optional(),
        from: z.email().max(200),
        to: z.array(z.email().max(200)).min(1).max(16),
      }),
      ...shared,
    }),
    z.strictObject({
      exec: nameSchema.meta({ description: 'A program /etc/thymesh/alerts/NAME of the device' }),
      by: shared.by,
    }),
  ],
  {
    error: 'expected one of "webhook", "alertmanager", "ntfy", "smtp" and "exec", with its own keys',
  },
)
export type AlertChannel = z.infer<typeof channelSchema>

const fields = {
  channels: z.record(nameSchema, channelSchema).default({}),
  rules: z.array(ruleSchema).max(maxRules).default([]),
}
const tooMany = { error: `expected at most ${maxChannels} channels` }

/** In a release. */
const alertsSchema = z
  .strictObject(fields)
  .refine(({ channels }) => Object.keys(channels).length <= maxChannels, tooMany)
export type Alerts = z.infer<typeof alertsSchema>

/** `alerts.json` */
export const alertsFileSchema = z.strictObject({
  $schema: z.string().max(500).optional().meta({ description: 'The JSON Schema, for editors' }),
  ...fields,
})

export const alertsExtension = 'alerts'
const nothing: Alerts = { channels: {}, rules: [] }

/** The alerts of a release; none where it has none, or those of a later version. */
export function alertsOf(release: Pick<Release, 'extensions'> | undefined): Alerts {
  const values = release?.extensions?.values
  if (values === undefined || !Object.hasOwn(values, alertsExtension)) return nothing
  const known = read.get(values)
  if (known !== undefined) return known
  const parsed = alertsSchema.safeParse(values[alertsExtension])
  const alerts = parsed.success ? parsed.data : nothing
  read.set(values, alerts)
  return alerts
}

/** A release is looked at with each report. */
const read = new WeakMap<object, Alerts>()

/** Whether a selector chooses a device of a release. */
export function selects(
  selector: Selector | undefined,
  name: string,
  device: Pick<Release['devices'][string], 'site' | 'tags'>,
): boolean {
  const { devices, tags, sites } = selector ?? {}
  if (devices === undefined && tags === undefined && sites === undefined) return true
  return (
    devices?.includes(name) === true ||
    tags?.some(tag => device.tags?.includes(tag)) === true ||
    (device.site !== undefined && sites?.includes(device.site) === true)
  )
}

/** The rules of a release for one of its devices. */
export function rulesFor(release: Release | undefined, name: string): AlertRule[] {
  const device = release && Object.hasOwn(release.devices, name) ? release.devices[name] : undefined
  return device === undefined ? [] : alertsOf(release).rules.filter(({ on }) => selects(on, name, device))
}
