/** The project's files as the API shows them: entries, the places of values, modules, inputs, artifacts and secrets. */

import { z } from 'zod'

/** A problem of the project, with its place; null where it is about the whole file. */
export const problemSchema = z.object({
  file: z.string(),
  line: z.int().nullable(),
  column: z.int().nullable(),
  /** Such as `modules.web.port`. */
  key: z.string().nullable(),
  message: z.string(),
})

const hash = z.string()
const json = z.record(z.string(), z.unknown())

export const projectSchema = z.object({
  directory: z.string(),
  fleet: z.string(),
  name: z.string(),
  /** Null before the first one. */
  commit: z.string().nullable(),
  branch: z.string().nullable(),
  /** What is not committed, as `git status` has it. */
  changed: z.array(z.object({ file: z.string(), state: z.enum(['added', 'changed', 'removed', 'conflict']) })),
  /** thymesh.json and, where there is one, rollout.json. */
  files: z.array(z.object({ file: z.string(), hash, content: json.nullable() })),
  autoUpdate: z
    .object({
      schedule: z.string(),
      timeZone: z.string(),
      inputs: z.array(z.string()).nullable(),
      next: z.array(z.string()),
    })
    .nullable(),
  configs: z.int(),
  tags: z.int(),
  devices: z.int(),
  secrets: z.int(),
  modules: z.int(),
})

const entryRow = z.object({
  name: z.string(),
  file: z.string(),
  /** SHA-256 of the file, for an edit that must not overwrite what others wrote. */
  hash,
  /** Null where the file is wrong: `problems` says what. */
  content: json.nullable(),
  problems: z.array(problemSchema),
  /** Files that name it. */
  users: z.array(z.string()),
})

export const entriesSchema = z.object({ entries: z.array(entryRow), next: z.string().optional() })

const sourceSchema = z.object({
  level: z.enum(['device', 'config', 'tag', 'module']),
  name: z.string(),
  /** Of a tag: the lower one wins. */
  priority: z.int().nullable(),
  /** Null for a module's default. */
  file: z.string().nullable(),
  line: z.int().nullable(),
  column: z.int().nullable(),
  value: z.unknown(),
})

const valueSchema = z.object({
  module: z.string(),
  /** Below the module; more than one name in a group. */
  path: z.array(z.string()),
  /** Null where nobody sets it and it has no default. */
  value: z.unknown(),
  from: sourceSchema.nullable(),
  /** Of a list: further places whose elements are in it. */
  adds: z.array(sourceSchema),
  /** Places that say something else, which doesn't count. */
  overrides: z.array(sourceSchema),
  /** Two tags of one priority differ: a build refuses it. */
  conflict: z.boolean(),
  /** False where other settings make it count for nothing. */
  visible: z.boolean(),
})

export const entrySchema = entryRow.extend({
  text: z.string(),
  /** All that it has, by itself or by its tags. */
  modules: z.array(z.object({ name: z.string(), files: z.array(z.string()) })),
  values: z.array(valueSchema),
})

/** A module as it declares itself; settings of all types, with texts, examples and defaults. */
const moduleSchema = z.looseObject({ name: z.string(), settings: z.record(z.string(), z.looseObject({})) })
export const moduleAnswerSchema = moduleSchema.extend({
  /** Of a module of the project. */
  file: z.string().nullable(),
  hash: hash.nullable(),
  users: z.array(z.string()),
})
export const modulesAnswerSchema = z.object({
  modules: z.array(
    z.object({
      name: z.string(),
      source: z.string(),
      displayName: z.unknown(),
      description: z.unknown(),
      category: z.string().nullable(),
      icon: z.string().nullable(),
      targets: z.array(z.string()),
      settings: z.int(),
      users: z.array(z.string()),
    }),
  ),
  problems: z.array(problemSchema),
})

export const problemsSchema = z.object({ ok: z.boolean(), problems: z.array(problemSchema) })

export const nextRunsSchema = z.object({ next: z.array(z.string()) })

export const inputsSchema = z.object({
  inputs: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      modified: z.string().nullable(),
      offers: json.nullable(),
      problem: z.string().nullable(),
    }),
  ),
})
export type Offer = z.infer<typeof inputsSchema>['inputs'][number]

export const artifactsSchema = z.object({
  artifacts: z.array(
    z.object({
      path: z.string(),
      kind: z.enum(['file', 'folder']),
      size: z.int(),
      /** Settings that name it, or what is in it. */
      places: z.array(z.string()),
      devices: z.array(z.string()),
    }),
  ),
})

export const secretsSchema = z.object({
  secrets: z.array(
    z.looseObject({
      name: z.string(),
      type: z.string(),
      processing: z.string(),
      recipients: z.array(z.string()),
      rotated: z.string().optional(),
      /** Settings that name it. */
      places: z.array(z.string()),
      devices: z.array(z.string()),
    }),
  ),
  operators: z.array(z.object({ name: z.string(), recipient: z.string() })),
})
