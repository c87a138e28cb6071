/** What Nix does now, as lines below a progress bar: configs, what is built and fetched for each, how long and how far. */

import { inWords } from '../../node/rollout/decision.ts'
import type { TaskActivity } from '../api/schemas/task.ts'
import { size } from '../format/table.ts'

/** A screen has more to show. */
const mostLines = 6

/** Each at most so wide; what is deeper stands further to the right. */
export function activityLines(activities: readonly TaskActivity[], width: number, now = Date.now()): string[] {
  const known = new Set(activities.map(({ id }) => id))
  const below = (parent: string | null) =>
    activities.filter(each => (each.parent !== null && known.has(each.parent) ? each.parent : null) === parent)
  const lines: string[] = []
  const add = (each: TaskActivity, depth: number): void => {
    // A tree of others may have a circle, or be deep: it is cut.
    if (depth > mostLines || lines.length > activities.length) return
    lines.push(lineOf(each, depth, width, now))
    for (const child of below(each.id)) add(child, depth + 1)
  }
  for (const each of below(null)) add(each, 1)
  if (lines.length <= mostLines) return lines
  const more = lines.length - mostLines + 1
  return [...lines.slice(0, mostLines - 1), `  and ${more} more`.slice(0, width)]
}

function lineOf(
  { name, kind, phase, done, of, started }: TaskActivity,
  depth: number,
  width: number,
  now: number,
): string {
  const count =
    kind === 'transfer' ? `${size(done)}${of > 0 ? ` of ${size(of)}` : ''}` : of > 0 ? `${done} of ${of}` : ''
  const time = kind === 'transfer' ? '' : inWords(Math.max(0, now - Date.parse(started)))
  const facts = [phase ?? '', count, time].filter(each => each !== '').join(', ')
  const indent = '  '.repeat(depth)
  const room = width - indent.length - facts.length - 2
  if (room < 4) return `${indent}${name}`.slice(0, width)
  return `${indent}${name.length <= room ? name : `${name.slice(0, room - 1)}…`}  ${facts}`
}
