/** Problems of a project: the file, the place in it, what was expected and what came. A run reports all of them. */

import { HintedError } from '../../protocol/errors.ts'

/** Counted from 1, as editors do. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface Problem {
  /** From the project's folder. */
  readonly file: string
  /** Where in the file; nothing when it is about the whole of it. */
  readonly at: Position | undefined
  /** The key in a JSON file, such as `modules.web.port`; empty for the whole file. */
  readonly key: string
  readonly message: string
}

/** Problems that an error shows; a wrong module can make thousands. */
const shownProblems = 50

export class CheckError extends HintedError<'invalid-project'> {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const shown = problems.slice(0, shownProblems).map(problemText)
    const more = problems.length - shown.length
    super('invalid-project', [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('\n'), {
      hint: 'Fix it. `thymesh check` looks for all problems of the project.',
    })
    this.problems = problems
  }
}

/** As compilers write it, so that editors and terminals make a link of it. */
export function problemText({ file, at, key, message }: Problem): string {
  const place = at === undefined ? file : `${file}:${at.line}:${at.column}`
  return key === '' ? `${place}: ${message}` : `${place}: ${key}: ${message}`
}

/** As programs get it; null where it is about the whole file. */
export function problemJson({ file, at, key, message }: Problem): ProblemJson {
  return { file, line: at?.line ?? null, column: at?.column ?? null, key: key === '' ? null : key, message }
}

interface ProblemJson {
  readonly file: string
  readonly line: number | null
  readonly column: number | null
  readonly key: string | null
  readonly message: string
}

/** By file and place: the order in which people mend. */
export function sortedProblems(problems: readonly Problem[]): Problem[] {
  const order = (a: Problem, b: Problem) =>
    compare(a.file, b.file) ||
    (a.at?.line ?? 0) - (b.at?.line ?? 0) ||
    (a.at?.column ?? 0) - (b.at?.column ?? 0) ||
    compare(a.message, b.message)
  const seen = new Set<string>()
  return [...problems].sort(order).filter(problem => {
    const text = problemText(problem)
    return !seen.has(text) && seen.add(text)
  })
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** A description of a value, for "expected …, got …". Long texts are cut. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (value === undefined) return 'nothing'
  if (value !== null && typeof value === 'object') return 'an object'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** Names for a message: all of a few, the first of many. */
export function list(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  const shown = names.slice(0, 20).join(', ')
  return names.length > 20 ? `${shown}, and ${names.length - 20} more` : shown
}

/** `; did you mean …?` when one of the names is nearly the word. */
export function suggestion(word: string, names: readonly string[]): string {
  const near = names
    .map(name => ({ name, distance: distance(word, name) }))
    .filter(each => each.distance <= Math.max(1, Math.floor(word.length / 3)))
    .sort((a, b) => a.distance - b.distance)[0]
  return near === undefined ? '' : `; did you mean ${near.name}?`
}

/** Letters to add, to remove, to change or to swap with their neighbour. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 3) return Number.POSITIVE_INFINITY
  const rows = [Array.from({ length: b.length + 1 }, (_, at) => at)]
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = swapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY
      rows[i]?.push(Math.min(change, at(i - 1, j) + 1, at(i, j - 1) + 1, swap))
    }
  }
  return at(a.length, b.length)
}
