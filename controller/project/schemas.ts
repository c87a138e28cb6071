/** Schemas of the project's JSON files. Editors get the same as JSON Schemas; see json-schemas.ts. */

import { Cron } from 'croner'
import { z } from 'zod'
import { fleetIdSchema, nameSchema, systemSchema } from '../../protocol/encoding/fields.ts'
import { siteUplinksSchema } from '../../protocol/release/site-uplinks.ts'
import { addressExpectation, isAddress } from './addresses.ts'

/** Entries of one kind in a file: far more than people write, few enough to be checked at once. */
const maxEntries = 1000

const schemaKey = z.string().max(500).optional().meta({ description: 'The JSON Schema, for editors' })
const displayName = z.string().min(1).max(200).optional().meta({ description: 'The name that people see' })
const description = z.string().max(2000).optional().meta({ description: 'Its purpose' })

/** Module name → its settings. The module declares their types. */
const modulesSchema = z
  .record(z.string().max(200), z.record(z.string().max(200), z.unknown()))
  .optional()
  .meta({ description: 'Modules by name, with their settings' })

const tagsSchema = z.array(nameSchema).max(100).optional()

/** thymesh.json */
export const projectSchema = z.strictObject({
  $schema: schemaKey,
  fleet: fleetIdSchema.meta({ description: "The fleet's ID, as `thymesh init` made it" }),
  name: nameSchema.meta({ description: "The fleet's name" }),
  bootstrap: z
    .array(z.string().max(200).refine(isAddress, { error: addressExpectation }))
    .max(16)
    .default([])
    .meta({ description: 'Peers that controllers dial and join tokens name (multiaddrs)' }),
  hubs: z
    .record(nameSchema, z.array(z.string().max(200).refine(isAddress, { error: addressExpectation })).max(4))
    .refine(hubs => Object.keys(hubs).length <= 16, { error: 'expected at most 16 hubs' })
    .optional()
    .meta({ description: 'Relays that all peers stay connected to, by name, with their addresses (multiaddrs)' }),
  operators: z
    .record(
      nameSchema,
      z.strictObject({
        age: z
          .string()
          .regex(/^age1[02-9ac-hj-np-z]{58}$/, { error: 'expected an age recipient (age1…)' })
          .meta({ description: "The operator's age recipient: it can read every secret of the project" }),
      }),
    )
    .optional()
    .meta({ description: 'Operators that can read the secrets' }),
  inputs: z
    .record(
      z.string().max(100),
      z.strictObject({ secret: nameSchema.optional().meta({ description: 'The secret with its access token' }) }),
    )
    .optional()
    .meta({ description: 'The access tokens of inputs of flake.nix' }),
  tryBeforeSigning: z
    .union([z.boolean(), z.literal('all')])
    .optional()
    .meta({
      description:
        'Whether each portable config must pass `thymesh try` before a release of it is signed; "all": NixOS configs, too',
    }),
  autoUpdate: z
    .strictObject({
      schedule: z
        .string()
        .max(100)
        .refine(isSchedule, { error: 'expected a cron pattern such as "0 3 * * 1"' })
        .meta({ description: 'When: a cron pattern, such as "0 3 * * 1"' }),
      timeZone: z
        .string()
        .max(100)
        .refine(isTimeZone, { error: 'expected a time zone such as Europe/Berlin' })
        .default('UTC')
        .meta({ description: 'The zone in which the pattern counts' }),
      inputs: z
        .array(z.string().max(100))
        .max(100)
        .optional()
        .meta({ description: 'The inputs that are moved (default: all)' }),
    })
    .optional()
    .meta({ description: 'Moves inputs on a schedule, builds, and deploys' }),
})
export type ProjectFile = z.infer<typeof projectSchema>

export const configSchema = z.strictObject({
  $schema: schemaKey,
  displayName,
  description,
  system: systemSchema.optional().meta({ description: 'The kind of machine, as Nix names it' }),
  target: z.enum(['portable', 'nixos']).optional().meta({ description: 'The target that is built' }),
  type: z.string().max(200).optional().meta({ description: 'The device type' }),
  tags: tagsSchema.meta({ description: 'Tags whose modules and settings it takes over; the first one wins' }),
  perDevice: z.boolean().optional().meta({ description: 'Whether each of its devices gets a separate system' }),
  modules: modulesSchema,
})

export const tagSchema = z.strictObject({
  $schema: schemaKey,
  displayName,
  description,
  priority: z.int().min(0).max(1000).optional().meta({ description: 'Beside the order in a config: lower wins' }),
  modules: modulesSchema,
})

export const deviceSchema = z.strictObject({
  $schema: schemaKey,
  displayName,
  description,
  config: nameSchema.meta({ description: 'The config that it runs' }),
  site: nameSchema.optional().meta({ description: 'The site that it belongs to' }),
  type: z.string().max(200).optional().meta({ description: "The device type, if it isn't that of its config" }),
  tags: tagsSchema.meta({ description: 'Tags of its own, beside those of its config' }),
  modules: modulesSchema,
})

/** uplinks.json: the uplinks of sites, as releases carry them. */
export const uplinksSchema = z.strictObject({
  $schema: schemaKey,
  sites: siteUplinksSchema.meta({ description: 'By site: bytesPerDay, windows, bitsPerSecond' }),
})

/** secrets/NAME.json, beside the ciphertext in secrets/NAME.age. */
export const secretSchema = z.strictObject({
  $schema: schemaKey,
  displayName,
  description,
  type: z
    .enum(['single-line', 'multi-line', 'environment', 'file'])
    .meta({ description: 'Its content: one line, text, KEY=value lines, or any bytes' }),
  processing: z
    .enum(['none', 'yescrypt'])
    .default('none')
    .meta({ description: 'Its processing before devices get it' }),
  fileName: z.string().max(255).optional().meta({ description: 'The name of the file that it was made of' }),
  recipients: z
    .array(z.string().max(100))
    .max(maxEntries)
    .default([])
    .meta({ description: 'The age recipients that the ciphertext beside it is for' }),
  rotated: z.string().max(40).optional().meta({ description: 'When its content was set last' }),
})
export type SecretFile = z.infer<typeof secretSchema>

/** The folders of data files, and what their files may say. */
export const folders = { configs: configSchema, tags: tagSchema, devices: deviceSchema, secrets: secretSchema } as const
export type Folder = keyof typeof folders
/** The kinds of entries that people edit key by key; secrets have commands of their own. */
export type EntryFolder = Exclude<Folder, 'secrets'>
export type ConfigFile = z.infer<typeof configSchema>
export type TagFile = z.infer<typeof tagSchema>
export type DeviceFile = z.infer<typeof deviceSchema>

/** Whether a cron expression has a next time. */
export function isSchedule(pattern: string): boolean {
  try {
    return new Cron(pattern, { paused: true }).nextRun() !== null
  } catch {
    return false
  }
}

export function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).format() !== ''
  } catch {
    return false
  }
}
