/** Asks the controller that already runs, over its socket, if there is one. */

import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { fitsSocket } from '../../node/files/unix-socket.ts'
import { HintedError } from '../../protocol/errors.ts'
import { notUnderstood } from './api-error.ts'
import { maxAnswerBytes } from './limits.ts'
import { errorSchema } from './schemas/error.ts'

/** `nobody`: no controller listens there. `left`: it hung up before it answered, as one does that ends. */
export type Absent = 'nobody' | 'left'

export interface Answer {
  readonly json: unknown
  readonly header: (name: string) => string | undefined
}

export interface Call {
  readonly method?: 'GET' | 'POST'
  /** With its query. */
  readonly path: string
  readonly body?: object
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal | undefined
}

/** The answer in full. Throws the error that came instead of one, with its code and hint. */
export async function callRunning(file: string, call: Call): Promise<Answer | Absent> {
  const response = await openRunning(file, call)
  if (typeof response === 'string') return response
  const bytes = await bytesOf(response)
  if (bytes === undefined) return 'left'
  return { json: parsed(bytes), header: name => response.headers[name.toLowerCase()]?.toString() }
}

/** The answer as it comes, for streams. */
export async function openRunning(file: string, call: Call): Promise<IncomingMessage | Absent> {
  if (!fitsSocket(file)) return 'nobody'
  const response = await responseOf(file, call)
  if (typeof response === 'string' || (response.statusCode ?? 500) < 300) return response
  const bytes = await bytesOf(response)
  if (bytes === undefined) return 'left'
  throw refusalIn(bytes)
}

/** The error that came instead of an answer. */
export function refusalIn(body: Buffer): HintedError {
  const told = errorSchema.safeParse(parsed(body)).data
  if (told === undefined) throw notUnderstood()
  return new HintedError(told.error.code, told.error.message, { hint: told.error.hint })
}

/** The stream that a request with this `Upgrade` becomes. Throws the error that came instead of one. */
export async function upgradeRunning(file: string, path: string, upgrade: string): Promise<Duplex | Absent> {
  if (!fitsSocket(file)) return 'nobody'
  const { promise, resolve, reject } = Promise.withResolvers<Duplex | Absent>()
  const headers = { Host: 'localhost', Connection: 'Upgrade', Upgrade: upgrade }
  const request = httpRequest({ socketPath: file, path, agent: false, headers })
  request.once('upgrade', (_, socket, head) => {
    if (head.length > 0) socket.unshift(head)
    resolve(socket)
  })
  request.once('response', response => {
    bytesOf(response)
      .then(bytes => (bytes === undefined ? resolve('left') : reject(refusalIn(bytes))))
      .catch(reject)
  })
  request.once('error', (error: Error & { code?: string }) =>
    resolve(error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? 'nobody' : 'left'),
  )
  request.end()
  return promise
}

function responseOf(
  file: string,
  { method = 'GET', path, body, headers, signal }: Call,
): Promise<IncomingMessage | Absent> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage | Absent>()
  const request = httpRequest({
    socketPath: file,
    method,
    path,
    agent: false,
    headers: { Host: 'localhost', ...(body && { 'Content-Type': 'application/json' }), ...headers },
    ...(signal && { signal }),
  })
  request.once('response', resolve)
  request.once('error', (error: Error & { code?: string }) => {
    if (signal?.aborted) reject(signal.reason)
    else if (error.code?.startsWith('HPE_')) reject(notUnderstood())
    else resolve(error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? 'nobody' : 'left')
  })
  request.end(body && JSON.stringify(body))
  return promise
}

/** Nothing where it ended in the middle. */
async function bytesOf(response: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  let size = 0
  try {
    for await (const part of response) {
      size += part.length
      if (size > maxAnswerBytes) throw notUnderstood()
      parts.push(part)
    }
    return Buffer.concat(parts)
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ECONNRESET') return undefined
    throw thrown
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    throw notUnderstood()
  }
}

const controllerSchema = z.object({ pid: z.int(), command: z.string().max(100) })

/** Such as `thymesh serve` (process 123), for those who can't start because of it; nothing where nobody answers. */
export async function whoRuns(file: string): Promise<string | undefined> {
  const answer = await callRunning(file, { path: '/v1/controller' }).catch(() => undefined)
  const who = controllerSchema.safeParse(typeof answer === 'object' ? answer.json : undefined).data
  return who && `\`thymesh ${who.command}\` (process ${who.pid})`
}
