/** What events mean to a snapshot that was read while they came: some of them it contains already. */

import type { LinkEvent } from './link.ts'

export interface Beyond {
  /** Those that the snapshot lacks, and all of tasks: their list is another answer, which may be older. */
  readonly rows: readonly LinkEvent[]
  /** Whether it has to be read again: it may lack more than these say. */
  readonly again: 'now' | 'soon' | undefined
  /** Of all of them: what a view has read itself, such as the proposals, may be older than the snapshot. */
  readonly kinds: ReadonlySet<string>
}

/** `last` is the ID of the last event that the snapshot contains; missing where it contains none of these. */
export function beyond(events: readonly LinkEvent[], last?: string): Beyond {
  const newer = events.filter(({ id }) => isAfter(id, last))
  const lacking = new Set(newer.map(({ kind }) => kind))
  const rows = events.filter(event => event.kind === 'task' || newer.includes(event))
  const again = lacking.has('reset') ? 'now' : lacking.has('release') ? 'soon' : undefined
  return { rows, again, kinds: new Set(events.map(({ kind }) => kind)) }
}

/** Whether an event is newer than what an answer contains; of another process it always is. */
export function isAfter(id: string, last: string | undefined): boolean {
  const [process, number] = id.split('-')
  const [other, reached] = (last ?? '').split('-')
  return process !== other || Number(number) > Number(reached)
}
