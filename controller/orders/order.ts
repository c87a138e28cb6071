/** An order: work that writes, with the one place of its route, its options, its result, and the code behind it. */

import type { z } from 'zod'
import type { FleetHome } from '../fleet/fleet-home.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'

/** What an order needs that is about the project alone: it needs no mesh, and runs also where no controller does. */
export interface Place {
  readonly home: FleetHome
  /** The folder of the project. */
  readonly directory: string
}
export type PlaceWork<Options, Result> = (place: Place, options: Options, talk: Talk) => Promise<Result>

export type OrderWork<Options, Result> = (session: Session, options: Options, talk: Talk) => Promise<Result>

export interface Order<Schema extends z.ZodObject = z.ZodObject, Result extends z.ZodObject = z.ZodObject> {
  readonly path: string
  readonly summary: string
  /** Of the body; unknown keys are refused. */
  readonly options: Schema
  /** What the command prints with `--json`, or a part of it. */
  readonly result: Result
  /** Whether it signs: only then must another process give the passphrase of sealed keys. */
  readonly signs: (options: z.output<Schema>) => boolean
  /** The same code as `load` for one that needs no mesh. */
  readonly loadHere?: () => Promise<PlaceWork<z.output<Schema>, z.output<Result>>>
  /** Options that no task may keep, such as passwords. */
  readonly secrets: readonly string[]
  /** The code is loaded when it is ordered. */
  readonly load: () => Promise<OrderWork<z.output<Schema>, z.output<Result>>>
}

type Defaulted = 'signs' | 'secrets'

export function order<Schema extends z.ZodObject, Result extends z.ZodObject>(
  about: Omit<Order<Schema, Result>, Defaulted> & Partial<Pick<Order<Schema, Result>, Defaulted>>,
): Order<Schema, Result> {
  return { signs: () => true, secrets: [], ...about }
}

/** One that signs nothing and needs no mesh. */
export function projectOrder<Schema extends z.ZodObject, Result extends z.ZodObject>({
  loadHere,
  ...about
}: Pick<Order<Schema, Result>, 'path' | 'summary' | 'options' | 'result'> &
  Required<Pick<Order<Schema, Result>, 'loadHere'>>): Order<Schema, Result> {
  return { ...about, signs: () => false, secrets: [], loadHere, load: loadHere }
}
