/** The project's files as the API answers them: types, and how a page's draft changes an entry's content. */

import type { z } from 'zod'
import type { editedSchema, OneEdit, previewSchema } from '../../../api/schemas/edits.ts'
import type {
  artifactsSchema,
  entriesSchema,
  entrySchema,
  inputsSchema,
  moduleAnswerSchema,
  modulesAnswerSchema,
  problemSchema,
  projectSchema,
  secretsSchema,
} from '../../../api/schemas/project.ts'
import { language } from '../base/language.svelte.ts'

export type Folder = 'configs' | 'tags' | 'devices'
export type EntryRow = z.infer<typeof entriesSchema>['entries'][number]
export type Entry = z.infer<typeof entrySchema>
export type Value = Entry['values'][number]
export type Source = NonNullable<Value['from']>
export type Problem = z.infer<typeof problemSchema>
export type ProjectState = z.infer<typeof projectSchema>
export type ModuleRow = z.infer<typeof modulesAnswerSchema>['modules'][number]
export type ModuleAnswer = z.infer<typeof moduleAnswerSchema>
export type Artifacts = z.infer<typeof artifactsSchema>
export type Inputs = z.infer<typeof inputsSchema>
export type Secrets = z.infer<typeof secretsSchema>
export type Preview = z.infer<typeof previewSchema>
export type ChangedFile = Preview['files'][number]
export type Edited = z.infer<typeof editedSchema>
export type { OneEdit }

export type Path = readonly (string | number)[]

/** How a module declares one setting; docs/modules.md has the types. */
export interface Setting {
  readonly type: string
  readonly displayName?: unknown
  readonly description?: unknown
  readonly default?: unknown
  readonly example?: unknown
  readonly required?: boolean
  readonly order?: number
  readonly on?: readonly string[]
  readonly choices?: readonly unknown[]
  readonly unit?: string
  readonly min?: number
  readonly max?: number
  readonly kinds?: readonly string[]
  readonly kind?: string
  readonly settings?: Readonly<Record<string, Setting>>
  readonly of?: Setting
  readonly elementName?: unknown
  readonly visible?: Readonly<Record<string, unknown>>
}

/** A text of a module: one for all languages, or one for each. */
export function textOf(text: unknown, otherwise = ''): string {
  if (typeof text === 'string') return text
  if (text === null || typeof text !== 'object') return otherwise
  const each = text as Readonly<Record<string, unknown>>
  const found = each[language.current] ?? each.en
  return typeof found === 'string' ? found : otherwise
}

/** Settings in the order of a form. */
export function inOrder(settings: Readonly<Record<string, Setting>>): [string, Setting][] {
  return Object.entries(settings).sort(([, a], [, b]) => (a.order ?? 0) - (b.order ?? 0))
}

export function at(content: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      value !== null && typeof value === 'object' ? (value as Record<string | number, unknown>)[key] : undefined,
    content,
  )
}

/** A copy with a value at a path; without a value, the key goes, and objects that are empty then, but for modules. */
export function withValue(content: unknown, path: Path, value: unknown): unknown {
  const [key, ...deeper] = path
  if (key === undefined) return value
  const copy = Array.isArray(content)
    ? [...(content as unknown[])]
    : { ...(content as Record<string | number, unknown> | undefined) }
  const next = withValue((copy as Record<string | number, unknown>)[key], deeper, value)
  if (next === undefined) delete (copy as Record<string | number, unknown>)[key]
  else (copy as Record<string | number, unknown>)[key] = next
  return copy
}

/** Whether other settings of the same group leave this one in force. */
export function isVisible({ visible }: Setting, siblings: (key: string) => unknown): boolean {
  return Object.entries(visible ?? {}).every(([key, wanted]) => {
    const value = siblings(key)
    return Array.isArray(wanted) ? wanted.includes(value) : wanted === value
  })
}

/** Any JSON in one line. */
export function jsonText(value: unknown): string {
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
}

/** The command that sets the same, of `thymesh config`, `tag` or `device`. */
export const commandOf: Readonly<Record<Folder, string>> = { configs: 'config', tags: 'tag', devices: 'device' }
