/** A Thymis project's `state.json`: its schema, as version 0.0.9 of Thymis writes it, and the reading of it. */

import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { HintedError } from '../../../protocol/errors.ts'

/** Larger ones hold something else than a project. */
const maxStateBytes = 16 * 1024 * 1024
const maxEntries = 10_000

const text = z.string().max(1000)
const module = z.object({ type: text, settings: z.record(z.string().max(200), z.unknown()).default({}) })
const stateSchema = z.object({
  version: text,
  repositories: z.record(text, z.object({ url: text.nullish() })).default({}),
  tags: z
    .array(
      z.object({ displayName: text, identifier: text, priority: z.number().int(), modules: z.array(module).max(1000) }),
    )
    .max(maxEntries)
    .default([]),
  configs: z
    .array(
      z.object({
        displayName: text,
        identifier: text,
        modules: z.array(module).max(1000),
        tags: z.array(text).max(100),
      }),
    )
    .max(maxEntries)
    .default([]),
})

export type ThymisState = z.infer<typeof stateSchema>
export type ThymisModule = z.infer<typeof module>

/** Reads `state.json` in a folder. Throws an error where there is none, or none that is understood. */
export async function readThymisState(directory: string): Promise<ThymisState> {
  const file = join(directory, 'state.json')
  const about = await stat(file).catch(() => undefined)
  if (about === undefined || about.size > maxStateBytes) {
    const came = about === undefined ? 'there is none' : `it has ${about.size} bytes`
    throw new HintedError('no-thymis-state', `expected Thymis's state.json in ${directory}, at most 16 MiB; ${came}`, {
      hint: 'Name the folder of the Git repository that Thymis keeps its project in.',
    })
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(await readFile(file, 'utf8'))
  } catch (thrown) {
    throw new HintedError('no-thymis-state', `expected JSON in ${file}: ${String(thrown)}`, {
      hint: 'Restore the file with Git.',
      cause: thrown,
    })
  }
  const state = stateSchema.safeParse(parsed)
  if (state.success) return state.data
  const [issue] = state.error.issues
  throw new HintedError('no-thymis-state', `${file}: ${issue?.path.join('.')}: ${issue?.message}`, {
    hint: 'This reads what Thymis 0.9 writes (version 0.0.9 of its state).',
  })
}
