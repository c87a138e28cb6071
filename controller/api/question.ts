/** A question that only reads: the one place of its route, its options, its answer's schema, and the code behind it. */

import type { z } from 'zod'
import { visibleFields } from '../../protocol/encoding/visible.ts'
import type { Session } from '../session/session.ts'

/** The code behind a question, loaded when it is asked: the help and typing errors must not wait for it. */
interface Code<Options, Data> {
  readonly query: (session: Session, options: Options) => Promise<Data>
  readonly text: (data: Data) => string
}

export interface Question<Schema extends z.ZodObject = z.ZodObject, Data extends z.ZodType = z.ZodType> {
  /** Options in braces are part of the path: `/v1/devices/{name}`; all others are in the query. */
  readonly path: string
  readonly summary: string
  readonly options: Schema
  readonly answer: Data
  /** The answer as bytes of JSON, where parts of it are known as such already. */
  readonly json?: ((answer: z.output<Data>) => Uint8Array<ArrayBuffer>) | undefined
  /** Throws a ZodError where the options aren't its own. */
  ask(session: Session, options: unknown): Promise<z.output<Data>>
  /** The answer as a command prints it without `--json`. */
  text(answer: z.output<Data>): Promise<string>
}

export function question<Schema extends z.ZodObject, Data extends z.ZodType>(
  about: Pick<Question<Schema, Data>, 'path' | 'summary' | 'options' | 'answer' | 'json'>,
  load: () => Promise<Code<z.output<Schema>, z.output<Data>>>,
): Question<Schema, Data> {
  return {
    ...about,
    ask: async (session, options) => {
      const parsed = about.options.parse(options)
      return await (await load()).query(session, parsed)
    },
    // Whatever a view takes from the data, now or later, can't steer the terminal.
    text: async answer => (await load()).text(visibleFields(answer)),
  }
}
