/** Errors as operators and programs meet them: a code, a message, and always a hint. */

import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { hintFor } from './hints.ts'
import { explained } from './system-error.ts'

/** An error as `--json` and the API print it. */
export interface ErrorJson {
  readonly code: string
  readonly message: string
  readonly hint: string
}

const unexpected = 'This is unexpected: set THYMESH_DEBUG=1 to see where it happened, and report it.'

/** What was thrown, with a hint: its own, else that of its code. */
export function errorJson(raw: unknown): ErrorJson {
  const thrown = explained(raw)
  const message = messageOf(thrown)
  if (!(thrown instanceof ThymeshError)) return { code: 'failed', message, hint: unexpected }
  return { code: thrown.code, message, hint: thrown.hint ?? hintFor(thrown.code) ?? unexpected }
}
