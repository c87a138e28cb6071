/** What the API writes at once: the one place of its route, its options, its answer's schema, and the code behind it. */

import type { z } from 'zod'
import type { Session } from '../session/session.ts'

export interface Write<Schema extends z.ZodObject = z.ZodObject, Data extends z.ZodType = z.ZodType> {
  readonly path: string
  readonly summary: string
  /** Of the body; unknown keys are refused. `passphrase` may be there too. */
  readonly options: Schema
  readonly answer: Data
  /** Of its body, where it is an upload. */
  readonly maxBytes?: number
  /** It only shows what would be written: a page may ask for it while the keys are locked. */
  readonly shows?: true
  /** The code is loaded when it is asked for. */
  readonly load: () => Promise<(session: Session, options: z.output<Schema>) => Promise<z.output<Data>>>
}

export function write<Schema extends z.ZodObject, Data extends z.ZodType>(
  about: Write<Schema, Data>,
): Write<Schema, Data> {
  return about
}
