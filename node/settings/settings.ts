/** A peer's settings: one JSON file, validated, with errors that name the key. */

import { readFile } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'
import { describeIssues } from '../../protocol/encoding/cbor.ts'
import { nameSchema, timeSchema } from '../../protocol/encoding/fields.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { logLevels } from '../process/log.ts'
import { defaultCachePort, defaultCachePriority } from '../store/limits.ts'
import { defaultPagePort, defaultPort, defaultStateDirectory } from './defaults.ts'

export class SettingsError extends ThymeshError<'unreadable' | 'invalid'> {}

const directorySchema = z.string().refine(isAbsolute, { error: 'expected an absolute path' })

const multiaddrSchema = z.string().refine(
  text => {
    try {
      multiaddr(text)
      return true
    } catch {
      return false
    }
  },
  { error: 'expected a multiaddr such as /ip4/192.168.1.10/tcp/4460' },
)

const settingsSchema = z.strictObject({
  /** The directory of identity, documents and reports. */
  state: directorySchema.default(defaultStateDirectory),
  /** A directory with its own Nix store, instead of the machine's. */
  store: directorySchema.optional(),
  /** The root directory to activate, instead of `/`; nothing is started or stopped there. */
  root: directorySchema.optional(),
  listen: z
    .array(multiaddrSchema)
    .max(16)
    .default([`/ip4/0.0.0.0/tcp/${defaultPort}`, `/ip6/::/tcp/${defaultPort}`]),
  /** Peers that are dialled continuously, beside discovered ones. */
  bootstrap: z.array(multiaddrSchema).max(64).default([]),
  /** Whether to find peers on the local network. */
  mdns: z.boolean().default(true),
  /** `server` on relays and hubs, `client` on devices. */
  dht: z.enum(['client', 'server', 'off']).default('client'),
  /** Whether the system's clock is trusted. A device without battery or network time uses `none`. */
  clock: z.enum(['system', 'none']).default('system'),
  /** When the machine's image was built: an earlier clock is wrong. Image builds set it. */
  imageTime: timeSchema.optional(),
  /** Upload limits: bytes per second over all peers, and concurrently served peers. */
  upload: z
    .strictObject({
      bytesPerSecond: z.int().min(1000).optional(),
      peers: z.int().min(1).max(1000).optional(),
    })
    .default({}),
  /** Whether chunks may use connections of their own, beside the mesh's at the same port. */
  lanes: z.boolean().default(true),
  /** Whether the router is asked to let others reach this peer's port from outside. */
  portMapping: z.boolean().default(false),
  /** What a hub passes on between members, over all of them. */
  relay: z.strictObject({ bytesPerSecond: z.int().min(1000).optional() }).prefault({}),
  /** The disk budget for chunks until their paths are imported. */
  staging: z.strictObject({ bytes: z.int().min(1_000_000).optional() }).default({}),
  /** The binary cache on loopback for the rest of the machine; `false` for none. */
  cache: z
    .union([
      z.literal(false),
      z.strictObject({
        port: z.int().min(1).max(65_535).default(defaultCachePort),
        priority: z.int().min(0).max(1000).default(defaultCachePriority),
      }),
    ])
    .prefault({}),
  /** The page that shows its site to a technician; `false` for none. `lan`: to all who have the PIN, not only on loopback. */
  page: z
    .union([
      z.literal(false),
      z.strictObject({
        port: z.int().min(1).max(65_535).default(defaultPagePort),
        lan: z.boolean().default(false),
      }),
    ])
    .prefault({}),
  /** The recorded metrics; `false` for none. */
  metrics: z
    .union([
      z.literal(false),
      z.strictObject({
        /** A port of 127.0.0.1 on which Prometheus reads them; none by default. */
        port: z.int().min(1).max(65_535).optional(),
        /** Ports of exporters on 127.0.0.1 that controllers may read through the mesh. */
        scrape: z.array(z.int().min(1).max(65_535)).max(16).default([]),
      }),
    ])
    .prefault({}),
  /** How a new device joins; not needed afterwards. */
  join: z.strictObject({ token: z.string(), name: nameSchema, site: nameSchema.optional() }).optional(),
  log: z.enum(logLevels).default('info'),
})

export type Settings = z.infer<typeof settingsSchema>
export type SettingsInput = z.input<typeof settingsSchema>

/** Parses settings from JSON; command-line flags override them. `source` is what errors name. */
export function parseSettings(value: unknown, source: string): Settings {
  const result = settingsSchema.safeParse(value)
  if (result.success) return result.data
  throw new SettingsError('invalid', `${source}: ${describeIssues(result.error)}`, {
    hint: `Known keys: ${Object.keys(settingsSchema.shape).join(', ')}.`,
  })
}

/** Reads a settings file's JSON; throws a SettingsError that names the file. */
export async function readSettingsFile(file: string): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (thrown) {
    throw new SettingsError('unreadable', `can't read the settings: ${messageOf(thrown)}`, {
      hint: 'Name the file with --settings FILE.',
      cause: thrown,
    })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (thrown) {
    throw new SettingsError('invalid', `${file}: expected JSON: ${messageOf(thrown)}`, { cause: thrown })
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new SettingsError('invalid', `${file}: expected an object`)
  }
  return value as Record<string, unknown>
}
