/** The journal's entry: one update, its state, and everything needed to finish it after a crash. */

import { z } from 'zod'
import { messageSchema, nameSchema, targetSchema, versionSchema } from '../../protocol/encoding/fields.ts'
import { storePathSchema } from '../../protocol/nix/store-path.ts'
import { updatePolicySchema } from '../../protocol/release/update-policy.ts'
import { healthSchema } from '../../protocol/report/report.ts'

/** The states of an update once its closure is in the store. docs/activation.md has the diagram. */
export const activationStates = [
  'staging',
  'rebooting',
  'armed',
  'testing',
  'probing',
  'confirming',
  'held',
  'committing',
  'committed',
  'rolling-back',
  'rolled-back',
  'interrupted',
  'failed',
] as const
export type ActivationState = (typeof activationStates)[number]

/** Why an update did not stay. */
export const failureCodes = [
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
  'superseded',
  'interrupted',
  'too-many-attempts',
  'boot-failed',
  'rollback-failed',
] as const
export type FailureCode = (typeof failureCodes)[number]

/** An attempt's ID: the release's version, after the site if it is a site's own release, then the attempt's number. */
export const attemptIdPattern = /^(?:[a-z0-9-]+-)?[0-9]+-[0-9]+$/

export const maxBaselineUnits = 1000
export const maxByBoot = 300

const entrySchema = z.strictObject({
  v: z.literal(1),
  state: z.enum(activationStates),
  /** Names its folder and its units. */
  id: z.string().regex(attemptIdPattern),
  release: versionSchema,
  /** The site whose own release it is. */
  site: nameSchema.optional(),
  config: nameSchema,
  target: targetSchema,
  new: storePathSchema,
  /** The top level that ran before; none on a machine's first update. */
  old: storePathSchema.optional(),
  /** The boot of the machine that it was armed in: another one has forgotten what was only tested. */
  boot: z.string().min(1).max(100),
  attempt: versionSchema,
  /** When the old generation comes back unless this is confirmed: seconds of the machine's uptime. */
  deadline: z.int().min(0),
  /** Members that answered before the switch. */
  contacts: z.int().min(0),
  /** Units that were not well before the switch. */
  baseline: z.array(z.string().max(300)).max(maxBaselineUnits),
  policy: updatePolicySchema.optional(),
  /** Set for an update that the machine boots instead of switching to it: why. */
  byBoot: z.string().max(maxByBoot).optional(),
  health: healthSchema.optional(),
  code: z.enum(failureCodes).optional(),
  message: messageSchema.optional(),
  excerpt: messageSchema.optional(),
  /** The kept log of a failure: SHA-256 in hex, and its length. */
  log: z.strictObject({ hash: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.int().min(0) }).optional(),
})
export type JournalEntry = z.infer<typeof entrySchema>

export const finalStates: ReadonlySet<ActivationState> = new Set(['committed', 'rolled-back', 'interrupted', 'failed'])

/** Keys whose value is text that a shell can read as it stands; those of the others are JSON. */
const plain = new Set<string>(['state', 'id', 'config', 'site', 'target', 'new', 'old', 'boot', 'code'])

/** A line a key, `key=value`, so that the guard, a shell script, can read it, and a person too. */
export function formatEntry(entry: JournalEntry): string {
  const lines = Object.entries(entrySchema.parse(entry)).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${plain.has(key) ? value : JSON.stringify(value)}`],
  )
  return `${lines.join('\n')}\n`
}

/** Throws when it isn't an entry of this version. */
export function parseEntry(text: string): JournalEntry {
  const pairs = text
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const at = line.indexOf('=')
      const [key, value] = [line.slice(0, at), line.slice(at + 1)]
      return [key, plain.has(key) ? value : JSON.parse(value)] as const
    })
  return entrySchema.parse(Object.fromEntries(pairs))
}
