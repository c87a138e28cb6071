/** Orders about the project: checking, building, comparing, its inputs and bundles; their options and what each comes to. */

import { z } from 'zod'
import { nameSchema, versionSchema } from '../../../protocol/encoding/fields.ts'
import { limits } from '../../../protocol/limits.ts'
import { problemSchema } from './project.ts'
import { closureDiffSchema } from './releases.ts'

/** The folder of the project, with its whole path; that of the controller, if missing. */
const project = z.string().startsWith('/').max(4096).optional()
const configs = z.array(z.string().min(1).max(200)).max(1000).default([])
const inputName = z.string().min(1).max(100)

const count = z.int()

export const checkOptions = z.strictObject({
  project,
  /** Seconds that one evaluation by Nix may take. */
  timeout: z.number().min(1).max(86_400).optional(),
})
export const checkedSchema = z.object({
  ok: z.boolean(),
  problems: z.array(problemSchema),
  /** Configs for a system that neither this machine's Nix builds, nor one of its remote builders, nor a device. */
  unbuildable: z.array(z.object({ config: z.string(), system: z.string(), hint: z.string() })).default([]),
  /** Configs that only devices of the fleet build, the fastest first. */
  builtOnDevices: z
    .array(z.object({ config: z.string(), system: z.string(), devices: z.array(z.string()) }))
    .default([]),
  ...{ configs: count, tags: count, devices: count, modules: count, secrets: count },
})

export const buildOptions = z.strictObject({ project, configs })
export const builtSchema = z.object({
  configs: z.array(z.object({ config: z.string(), topLevel: z.string(), paths: z.int(), narSize: z.int() })),
})

export const diffOptions = z.strictObject({ project, configs, release: versionSchema.optional() })
export const comparedSchema = z.object({
  release: z.int(),
  configs: z.array(closureDiffSchema),
  /** Configs of the release that no device is to run any more. */
  removed: z.array(z.string()),
  /** Devices that get another config; null for none. */
  devices: z
    .array(z.object({ device: z.string(), before: z.string().nullable(), after: z.string().nullable() }))
    .default([]),
})

const moved = z.array(z.object({ name: z.string(), from: z.string().nullable(), to: z.string().nullable() }))

export const updateOptions = z.strictObject({
  project,
  /** All, if there are none. */
  names: z.array(inputName).max(100).default([]),
  /** Whether flake.lock is committed; a text is the message. */
  commit: z.union([z.boolean(), z.string().min(1).max(limits.message)]).default(false),
})
export const updatedSchema = z.object({ moved })

export const addInputOptions = z.strictObject({
  project,
  name: inputName,
  url: z.string().min(1).max(2000),
  /** The secret with its access token. */
  secret: nameSchema.optional(),
})
export const removeInputOptions = z.strictObject({ project, name: inputName })
export const inputChangedSchema = z.object({ written: z.array(z.string()), moved })

export const autoUpdateOptions = z.strictObject({})
export const autoUpdatedSchema = z.object({ moved, release: z.int().nullable() })
export type AutoUpdated = z.infer<typeof autoUpdatedSchema>

export const importOptions = z.strictObject({ project, directory: z.string().startsWith('/').max(4096) })
export const importedSchema = z.object({
  written: z.array(z.string()),
  secrets: z.array(z.string()),
  /** What has no counterpart, in sentences. */
  left: z.array(z.string()),
})

export const bundleOptions = z.strictObject({
  /** The file, or a folder for it, with the whole path. */
  file: z.string().startsWith('/').max(4096),
  site: nameSchema.optional(),
  since: versionSchema.optional(),
  /** Chunks as deltas of older ones, where all receivers read those. */
  deltas: z.boolean().default(true),
  volume: z.int().min(1).optional(),
  /** Seconds to wait for peers. */
  wait: z.number().min(0).max(86_400).default(2),
})
export const bundleWrittenSchema = z.object({
  release: z.int().nullable(),
  configs: z.array(z.string()),
  without: z.array(z.string()),
  files: z.array(z.object({ file: z.string(), bytes: z.int(), kept: z.int() })),
})

export const takeBundleOptions = z.strictObject({
  /** Bundles, or devices that hold one, with their whole paths. */
  files: z.array(z.string().startsWith('/').max(4096)).min(1).max(100),
  /** The state directory of the daemon of this machine, with its whole path. */
  state: z.string().startsWith('/').max(4096),
  /** Seconds without need after which a bundle is detached. */
  stay: z.number().min(0).max(86_400).default(10),
})
export const bundlesTakenSchema = z.object({
  taken: z.array(
    z.object({
      file: z.string(),
      /** `incomplete`: the device still lacks something, or has no room for it. */
      outcome: z.enum(['done', 'incomplete']),
      trust: z.enum(['newer', 'same', 'older', 'expired']),
      /** The fleet's release that is trusted now. */
      release: z.int().nullable(),
      ...{ readBytes: count, packBytes: count, volume: count, volumes: count },
    }),
  ),
})

export const carryInOptions = z.strictObject({
  /** Outboxes, or folders that a stick is mounted at, with their whole paths. */
  paths: z.array(z.string().startsWith('/').max(4096)).min(1).max(1000),
})
export type Taken = z.infer<typeof carriedSchema>['taken'][number]
export const carriedSchema = z.object({
  taken: z.array(
    z.object({
      file: z.string(),
      device: z.string(),
      created: z.string().nullable(),
      certificates: z.int(),
      reports: z.int(),
      history: z.int(),
      logs: z.array(z.string()),
    }),
  ),
})
