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
      json.keyProblem(
        [...path, key],
        known.length === 0 ? 'unknown key' : `unknown key; expected one of ${list(known)}${suggestion(key, known)}`,
      ),
    )
  }
  const meant = issue.code === 'invalid_union' ? meantBranch(issue) : undefined
  if (meant !== undefined) {
    return meant.flatMap(inner => problemsOf(json, schema, { ...inner, path: [...issue.path, ...inner.path] }))
  }
  const value = valueAt(json.value, path)
  if (issue.code === 'invalid_key') {
    return issue.issues.map(inner => json.keyProblem(path, `${inner.message}, got ${show(path.at(-1))}`))
  }
  if (value === undefined && path.length > 0) return [json.problem(path, `missing; ${expectation(issue)}`)]
  const said = expectation(issue)
  return [json.problem(path, said.includes(', got ') ? said : `${said}, got ${show(value)}`)]
}

/** Of several forms the one whose own keys are there: what is wrong with that one helps, a list of all forms does not. */
function meantBranch({ errors }: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] | undefined {
  const isOther = (issue: z.core.$ZodIssue) =>
    (issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'unrecognized_keys')) ||
    (issue.path.length === 1 && issue.code === 'invalid_type' && issue.message.endsWith('received undefined'))
  const near = errors.filter(issues => !issues.some(isOther))
  return near.length === 1 ? near[0] : undefined
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
