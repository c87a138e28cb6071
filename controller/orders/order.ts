/** An order: work that writes, with the one place of its route, its options, its result, and the code behind it. */

import type { z } from 'zod'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'

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
  /** The code is loaded when it is ordered. */
  readonly load: () => Promise<OrderWork<z.output<Schema>, z.output<Result>>>
}

export function order<Schema extends z.ZodObject, Result extends z.ZodObject>(
  about: Omit<Order<Schema, Result>, 'signs'> & Partial<Pick<Order<Schema, Result>, 'signs'>>,
): Order<Schema, Result> {
  return { signs: () => true, ...about }
}
