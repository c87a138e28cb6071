/** Errors as operators and programs meet them: a code, a message, and always a hint. */

import { z } from 'zod'
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

/** What is said where a schema refuses what was given. */
export type Refusal = Pick<ErrorJson, 'code' | 'hint'>

const ofOptions: Refusal = {
  code: 'invalid',
  hint: 'Run the command with --help: it says what each option takes.',
}

/** What was thrown, with a hint: its own, else that of its code. */
export function errorJson(raw: unknown, refusal = ofOptions): ErrorJson {
  const thrown = explained(raw)
  if (thrown instanceof z.ZodError) return { ...refusal, message: refusedText(thrown) }
  const message = messageOf(thrown)
  if (!(thrown instanceof ThymeshError)) return { code: 'failed', message, hint: unexpected }
  return { code: thrown.code, message, hint: thrown.hint ?? hintFor(thrown.code) ?? unexpected }
}

/** The first thing that a schema refuses, as a person says it: where it is, and what was expected. */
function refusedText({ issues: [issue] }: z.ZodError): string {
  const place = issue?.path.join('.')
  return `${place ? `${place}: ` : ''}${issue?.message ?? 'it is not valid'}`
}
