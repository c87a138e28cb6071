/**
 * Compares a file's settings of a module with the module's declaration: the same rules as in Nix, but all problems at
 * once and with its places. nix/lib/types.nix has the same types.
 */

import { isCalendar } from './calendar.ts'
import type { JsonPath, LocatedJson } from './located-json.ts'
import type { SettingDescription } from './modules.ts'
import { list, type Problem, show, suggestion } from './problem.ts'

/** Where values stand. */
export interface Place {
  readonly json: LocatedJson
  readonly path: JsonPath
}

/** A name that stands in a setting, for checks that need more than the module: what it names must be there. */
export interface Mention {
  readonly kind: 'secret' | 'artifact'
  readonly name: string
  readonly place: Place
  readonly declaration: SettingDescription
}

export interface Checked {
  readonly problems: Problem[]
  readonly mentions: Mention[]
}

/** A module's values in one file. Another check finds required settings that no file has. */
export function checkSettings(place: Place, values: unknown, declared: Record<string, SettingDescription>): Checked {
  const checked: Checked = { problems: [], mentions: [] }
  checkKeys(place, values, declared, checked)
  return checked
}

function checkKeys(place: Place, values: unknown, declared: Record<string, SettingDescription>, into: Checked): void {
  const { json, path } = place
  if (!isObject(values)) {
    into.problems.push(json.problem(path, `expected an object, setting → value, got ${show(values)}`))
    return
  }
  const known = Object.keys(declared)
  for (const [key, value] of Object.entries(values)) {
    const declaration = Object.hasOwn(declared, key) ? declared[key] : undefined
    if (declaration === undefined) {
      const words = `unknown setting; expected one of ${list(known)}${suggestion(key, known)}`
      into.problems.push(json.keyProblem([...path, key], words))
    } else checkValue({ json, path: [...path, key] }, value, declaration, into)
  }
}

function checkValue(place: Place, value: unknown, declaration: SettingDescription, into: Checked): void {
  const { json, path } = place
  const wrong = (words: string) => into.problems.push(json.problem(path, words))
  const { type } = declaration
  if (type === 'list') {
    const replaced = isObject(value) && Array.isArray(value.replace) ? value.replace : undefined
    const elements = replaced ?? value
    if (!Array.isArray(elements)) return void wrong(`expected a list, got ${show(value)}`)
    const at = replaced === undefined ? path : [...path, 'replace']
    const of = declaration.of as SettingDescription | undefined
    if (of === undefined) return
    for (const [index, each] of elements.entries()) checkValue({ json, path: [...at, index] }, each, of, into)
    return
  }
  if (type === 'group') {
    checkKeys(place, value, declaration.settings ?? {}, into)
    return
  }
  const words = typeof type === 'string' ? checks[type]?.(value, declaration) : undefined
  if (words !== undefined) wrong(words)
  else if (type === 'secret')
    mention('secret', typeof value === 'string' ? value : (value as { secret: string }).secret)
  else if (type === 'artifact') mention('artifact', String(value))

  function mention(kind: Mention['kind'], name: string): void {
    into.mentions.push({ kind, name, place, declaration })
  }
}

/** The problem of a value as text; nothing when it is right. Nix checks all other types. */
const checks: Record<string, (value: unknown, declaration: SettingDescription) => string | undefined> = {
  bool: value => (typeof value === 'boolean' ? undefined : `expected true or false, got ${show(value)}`),
  int: (value, { min, max }) => {
    if (!Number.isSafeInteger(value)) return `expected a whole number, got ${show(value)}`
    if (typeof min === 'number' && Number(value) < min) return `expected at least ${min}, got ${show(value)}`
    if (typeof max === 'number' && Number(value) > max) return `expected at most ${max}, got ${show(value)}`
    return undefined
  },
  string: (value, declaration) =>
    typeof value === 'string' && value.includes('\n')
      ? 'expected one line, got a text with line breaks'
      : textProblem(value, declaration),
  text: textProblem,
  code: (value, declaration) =>
    typeof value === 'string' && value.includes('\r\n')
      ? 'expected lines that end in LF, got lines that end in CR LF, as editors of Windows write them'
      : textProblem(value, declaration),
  path: (value, declaration) =>
    typeof value === 'string' && !value.startsWith('/')
      ? `expected an absolute path, got ${show(value)}`
      : textProblem(value, declaration),
  package: value =>
    typeof value === 'string' && /^(?:[\w-]+\/)?[\w+-]+(?:\.[\w+-]+)*$/.test(value)
      ? undefined
      : `expected the name of a package, such as "htop" or "INPUT/NAME", got ${show(value)}`,
  choice: (value, { choices }) => {
    const known = Array.isArray(choices) ? choices.map(each => (isObject(each) ? each.value : each)) : []
    return known.includes(value) ? undefined : `expected one of ${list(known.map(show))}, got ${show(value)}`
  },
  secret: value => {
    const name = isObject(value) ? value.secret : value
    const known = ['secret', 'processing', 'owner', 'group', 'mode']
    const unknown = isObject(value) ? Object.keys(value).filter(key => !known.includes(key)) : []
    if (unknown.length > 0) return `unknown ${list(unknown)}; expected one of ${list(known)}`
    if (typeof name === 'string' && /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return undefined
    return `expected the name of a secret, or { "secret": NAME, … }, got ${show(value)}`
  },
  artifact: value =>
    typeof value === 'string' && value !== ''
      ? undefined
      : `expected the path of a file or folder below artifacts/, got ${show(value)}`,
  schedule: value => {
    const kinds = ['calendar', 'interval', 'always']
    if (!isObject(value))
      return `expected an object such as { "kind": "calendar", "calendar": ["daily"] }, got ${show(value)}`
    if (!kinds.includes(String(value.kind))) return `kind: expected one of ${list(kinds)}, got ${show(value.kind)}`
    const events = Array.isArray(value.calendar) ? value.calendar : []
    const wrong = events.find(event => typeof event === 'string' && !isCalendar(event))
    return wrong === undefined
      ? undefined
      : `calendar: expected a time such as "daily" or "Mon..Fri 08:00", got ${show(wrong)}`
  },
}

function textProblem(
  value: unknown,
  { minLength, maxLength, pattern, patternHint }: SettingDescription,
): string | undefined {
  if (typeof value !== 'string') return `expected a string, got ${show(value)}`
  const { length } = value
  if (typeof minLength === 'number' && length < minLength)
    return `expected at least ${minLength} characters, got ${length}`
  if (typeof maxLength === 'number' && length > maxLength)
    return `expected at most ${maxLength} characters, got ${length}`
  if (typeof pattern !== 'string' || matches(pattern, value)) return undefined
  const hint = isObject(patternHint) ? patternHint.en : patternHint
  return `expected ${typeof hint === 'string' ? hint : `a text that matches ${pattern}`}, got ${show(value)}`
}

/** Nix's patterns are POSIX's; one that means nothing here is left to Nix. */
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`).test(value)
  } catch {
    return true
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
