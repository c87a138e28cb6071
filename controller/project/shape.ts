/** Zod's findings in a file as problems with their places: unknown keys by name, missing ones where they belong. */

import type { z } from 'zod'
import type { JsonPath, LocatedJson } from './located-json.ts'
import { list, type Problem, show, suggestion } from './problem.ts'

/** A file's content if it matches the schema, else its problems. */
export function shapeOf<T>(
  json: LocatedJson,
  schema: z.ZodType<T>,
): { value: T; problems: [] } | { value: undefined; problems: readonly Problem[] } {
  if (json.problems.length > 0) return { value: undefined, problems: json.problems }
  const parsed = schema.safeParse(json.value)
  if (parsed.success) return { value: parsed.data, problems: [] }
  return { value: undefined, problems: parsed.error.issues.flatMap(issue => problemsOf(json, schema, issue)) }
}

function problemsOf(json: LocatedJson, schema: z.ZodType, issue: z.core.$ZodIssue): Problem[] {
  const path: JsonPath = issue.path.map(part => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path)
    return issue.keys.map(key =>
      json.keyProblem([...path, key], `unknown key; expected one of ${list(known)}${suggestion(key, known)}`),
    )
  }
  const value = valueAt(json.value, path)
  if (issue.code === 'invalid_key') {
    return issue.issues.map(inner => json.keyProblem(path, `${inner.message}, got ${show(path.at(-1))}`))
  }
  if (value === undefined && path.length > 0) return [json.problem(path, `missing; ${expectation(issue)}`)]
  const said = expectation(issue)
  return [json.problem(path, said.includes(', got ') ? said : `${said}, got ${show(value)}`)]
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `expected ${typeWords[issue.expected] ?? issue.expected}`
  if (issue.code === 'invalid_value') return `expected one of ${list(issue.values.map(String))}`
  if (issue.code === 'too_big') return `expected at most ${issue.maximum}${unitOf(issue.origin)}`
  if (issue.code === 'too_small') return `expected at least ${issue.minimum}${unitOf(issue.origin)}`
  return issue.message
}

const typeWords: Record<string, string> = {
  string: 'a text',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters'
  return origin === 'array' ? ' entries' : ''
}

function valueAt(value: unknown, path: JsonPath): unknown {
  return path.reduce<unknown>(
    (at, key) => (isObject(at) ? (at as Record<string | number, unknown>)[key] : undefined),
    value,
  )
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object'
}

/** The keys that an object of the schema can have at a path. */
function keysAt(schema: z.ZodType, path: JsonPath): string[] {
  const def = schema.def as unknown as {
    innerType?: z.ZodType
    shape?: Record<string, z.ZodType>
    valueType?: z.ZodType
    element?: z.ZodType
  }
  if (def.innerType !== undefined) return keysAt(def.innerType, path)
  const [key, ...rest] = path
  if (key === undefined) return Object.keys(def.shape ?? {}).filter(name => name !== '$schema')
  const next = def.shape?.[key] ?? def.valueType ?? def.element
  return next === undefined ? [] : keysAt(next, rest)
}
