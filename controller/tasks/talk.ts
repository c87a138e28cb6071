/** What work says while it goes on, and how it learns that it should end. */

import type { Progress, TaskActivity } from '../api/schemas/task.ts'

/** In the output of a task, details begin with this. */
export const detailMark = '| '

export interface Talk {
  /** A line for who watches. */
  note(text: string): void
  /** A line that only matters to who looks closely, such as a builder's. */
  detail(line: string): void
  /** Begins a part of the work; the one before it is done. */
  step(name: string): void
  /** What goes on inside of the step, looked at when it is told. */
  activities(now: () => readonly TaskActivity[]): void
  /** How far a step is; nothing when it is over. */
  progress(progress: Progress | undefined): void
  /** Aborts when the work is cancelled. */
  readonly signal: AbortSignal
}
