/**
 * Questions of commands to the controller of the fleet that already runs, over a Unix socket in its state: one JSON line
 * each way, one question a connection. The socket has the permissions of the state.
 */

import { join } from 'node:path'
import { z } from 'zod'
import { HintedError } from '../../protocol/errors.ts'

/** The socket, beside the database whose lock the running controller has. */
export function socketFile(stateDirectory: string): string {
  return join(stateDirectory, 'local.sock')
}

/** The size of sun_path in unix(7), without the zero at its end. */
export const maxSocketPath = 107
/** A question is a name and a few words. */
export const maxRequestBytes = 16 * 1024
/** The status of the largest fleet is some megabytes. */
export const maxAnswerBytes = 64 * 1024 * 1024
/** One operator has no more terminals. */
export const maxQuestionsAtOnce = 16
/** Commands send their question at once. */
export const requestTimeoutMs = 5_000

export const requestSchema = z.strictObject({
  v: z.literal(1),
  query: z.string().min(1).max(40),
  /** How long the controller waits for a first peer, if none is in reach. */
  newsSeconds: z.number().min(0).max(86_400),
  options: z.record(z.string().max(40), z.unknown()),
})
export type LocalRequest = z.infer<typeof requestSchema>

const errorSchema = z.strictObject({ code: z.string().max(50), message: z.string(), hint: z.string().nullable() })

export const answerSchema = z.union([
  z.strictObject({
    v: z.literal(1),
    /** A command's output with --json, and without. */
    json: z.record(z.string(), z.unknown()),
    text: z.string(),
    /** No peer was in reach. */
    alone: z.boolean(),
  }),
  z.strictObject({ v: z.literal(1), error: errorSchema }),
])
export type LocalAnswer = z.infer<typeof answerSchema>

export class LocalError extends HintedError<'not-understood' | 'socket-path'> {}

/** The two are of different versions of the program. */
export function notUnderstood(): LocalError {
  return new LocalError('not-understood', 'the controller that already runs does not understand the question', {
    hint: 'It runs another version of Thymesh: end it, or use that version.',
  })
}
