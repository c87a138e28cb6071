/** Edits of the project's files: what can be asked for, and what a preview and a write answer. */

import { z } from 'zod'
import { limits } from '../../../protocol/limits.ts'
import { errorSchema } from './error.ts'
import { problemSchema } from './project.ts'

const name = z.string().min(1).max(200)
const entry = { in: z.enum(['configs', 'tags', 'devices']), name }
const settingsFile = z.enum(['thymesh.json', 'rollout.json'])
/** Keys, and places in lists. */
const path = z
  .array(z.union([z.string().max(200), z.int().min(0)]))
  .min(1)
  .max(20)
/** Any JSON. */
const json = z.custom<unknown>(value => value !== undefined, { error: 'expected a value' })
const text = z.string().max(512 * 1024)

const oneEdit = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('set'), ...entry, path, value: json }),
  z.strictObject({ do: z.literal('reset'), ...entry, path }),
  z.strictObject({ do: z.literal('add'), ...entry, content: z.record(z.string(), json) }),
  z.strictObject({ do: z.literal('remove'), ...entry }),
  z.strictObject({ do: z.literal('rename'), ...entry, to: name }),
  /** The whole file, as a person has typed it. */
  z.strictObject({ do: z.literal('write'), ...entry, text }),
  z.strictObject({ do: z.literal('set-in-file'), file: settingsFile, path, value: json }),
  z.strictObject({ do: z.literal('reset-in-file'), file: settingsFile, path }),
  /** A file of the project; without a text, one to begin with. */
  z.strictObject({ do: z.literal('add-module'), name, text: text.optional() }),
  z.strictObject({ do: z.literal('write-module'), name, text }),
  z.strictObject({ do: z.literal('remove-module'), name }),
])
export type OneEdit = z.output<typeof oneEdit>

const edits = z.array(oneEdit).min(1).max(100)

export const previewOptions = z.strictObject({ edits })

export const editOptions = z.strictObject({
  edits,
  /** By file: `before` of the preview, the SHA-256 of what the editor saw; null where there was no file. */
  seen: z.record(z.string().max(500), z.string().max(64).nullable()),
  /** The message of a commit of these files. */
  commit: z.string().min(1).max(limits.message).optional(),
})

export const commitOptions = z.strictObject({
  message: z.string().min(1).max(limits.message),
  /** As the project's answer lists them: what has changed since is not committed with them. */
  files: z.array(z.string().min(1).max(4096)).min(1).max(10_000),
})
/** Null where none of them differs from the last commit any more. */
export const committedSchema = z.object({ commit: z.string().nullable() })

const changedFile = z.object({
  file: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
  /** Null where one of both is no JSON. */
  changes: z
    .array(
      z.object({
        path: z.array(z.union([z.string(), z.int()])),
        before: z.unknown().optional(),
        after: z.unknown().optional(),
      }),
    )
    .nullable(),
  text: z.object({ before: z.string().nullable(), after: z.string().nullable() }),
})

export const previewSchema = z.object({
  files: z.array(changedFile),
  /** What the edits would make wrong: they are refused as long as there is any. */
  problems: z.array(problemSchema),
  /** What is wrong already. */
  others: z.array(problemSchema),
})

export const editedSchema = z.object({
  written: z.array(z.string()),
  files: z.array(z.object({ file: z.string(), after: z.string().nullable() })),
  /** Null where none was asked for, or Git refused: the files are written all the same. */
  commit: z.string().nullable(),
  commitError: errorSchema.shape.error.nullable(),
})
