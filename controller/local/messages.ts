/**
 * What commands ask of the controller of the fleet that runs already, over a Unix socket in its state: one JSON line
 * each way, one question a connection. Only who may open the state may open the socket.
 */

import { join } from 'node:path'
import { z } from 'zod'
import { ThymeshError } from '../../protocol/errors.ts'

/** The socket, beside the database whose lock the running controller has. */
export function socketFile(stateDirectory: string): string {
  return join(stateDirectory, 'local.sock')
}

/** What sun_path of unix(7) holds, without its last zero. */
export const maxSocketPath = 107
/** A question is a name and a few words. */
export const maxRequestBytes = 16 * 1024
/** The status of the largest fleet is some megabytes. */
export const maxAnswerBytes = 64 * 1024 * 1024
/** Of one operator's terminals. */
export const maxQuestionsAtOnce = 16
/** A question is there at once, or its asker is no command of ours. */
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
    /** What a command prints with --json, and without. */
    json: z.record(z.string(), z.unknown()),
    text: z.string(),
    /** No peer was in reach. */
    alone: z.boolean(),
  }),
  z.strictObject({ v: z.literal(1), error: errorSchema }),
])
export type LocalAnswer = z.infer<typeof answerSchema>

export class LocalError extends ThymeshError<'not-understood' | 'socket-path'> {}

/** The two are of different versions of the program. */
export function notUnderstood(): LocalError {
  return new LocalError('not-understood', 'the controller that runs does not understand the question', {
    hint: 'It is of another version of Thymesh: end it, or use that version.',
  })
}
