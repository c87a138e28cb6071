/** A peer's state in a temporary directory, and all that is in it. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Clock, type ClockKind } from '../../node/state/clock.ts'
import { Database, type TableName, tableNames } from '../../node/state/database.ts'
import { OwnState } from '../../node/state/own-state.ts'

export interface TestState {
  readonly directory: string
  readonly database: Database
  readonly own: OwnState
  readonly clock: Clock
}

const undoing = new WeakMap<Ends, (() => Promise<void>)[]>()

/** What runs at the end of a test, or of a file of tests. */
type Ends = { after(undo: () => Promise<void>): void }

/** Runs at the end of a test what undoes its parts, the latest first: the runner's own hooks go the other way round. */
function undo(t: Ends, step: () => Promise<void>): void {
  const known = undoing.get(t)
  known?.push(step)
  if (known !== undefined) return
  const steps = [step]
  undoing.set(t, steps)
  t.after(async () => {
    for (const each of steps.reverse()) await each()
  })
}

/** A directory that goes with the test. */
export async function testDirectory(t: Ends): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-state-'))
  undo(t, () => rm(directory, { recursive: true, force: true }))
  return directory
}

/** An empty state; its clock shows `now`. */
export async function testState(
  t: TestContext,
  options: { now?: Date; clock?: ClockKind; directory?: string } = {},
): Promise<TestState> {
  const directory = options.directory ?? (await testDirectory(t))
  const database = await Database.open(directory)
  undo(t, () => database.close())
  const own = new OwnState(database)
  const { now } = options
  const clock = await Clock.load(own, options.clock ?? 'system', now ? { now: () => now } : {})
  return { directory, database, own, clock }
}

/** Everything that is kept, by table and key, as text that can be compared. */
export async function dump(database: Database, tables: readonly TableName[] = tableNames): Promise<string[]> {
  const lines: string[] = []
  for (const table of tables) {
    for await (const [key, value] of database.table(table).entries()) {
      lines.push(`${table} ${key} ${Buffer.from(value).toString('base64')}`)
    }
  }
  return lines.sort()
}
