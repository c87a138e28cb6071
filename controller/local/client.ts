/** Asks the controller that already runs, if there is one. */

import { connect } from 'node:net'
import {
  answerSchema,
  type LocalAnswer,
  type LocalRequest,
  maxAnswerBytes,
  maxSocketPath,
  notUnderstood,
} from './messages.ts'

/** Its answer; nothing when no controller listens there, or when it ended before it answered. */
export async function askRunning(
  file: string,
  request: LocalRequest,
  signal?: AbortSignal,
): Promise<LocalAnswer | undefined> {
  if (Buffer.byteLength(file) > maxSocketPath) return undefined
  const bytes = await exchange(file, `${JSON.stringify(request)}\n`, signal)
  if (bytes === undefined || bytes.at(-1) !== 0x0a) return undefined
  const answer = answerSchema.safeParse(JSON.parse(bytes.toString()))
  if (!answer.success) throw notUnderstood()
  return answer.data
}

function exchange(file: string, text: string, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: file, allowHalfOpen: true })
    const leave = () => socket.destroy(signal?.reason)
    signal?.addEventListener('abort', leave)
    const parts: Buffer[] = []
    let size = 0
    socket.on('data', part => {
      size += part.length
      if (size > maxAnswerBytes) socket.destroy(notUnderstood())
      else parts.push(part)
    })
    socket.once('error', error => {
      if (signal?.aborted || !('code' in error) || error.code === 'not-understood') reject(signal?.reason ?? error)
      else resolve(undefined)
    })
    socket.once('close', () => {
      signal?.removeEventListener('abort', leave)
      resolve(Buffer.concat(parts))
    })
    socket.end(text)
  })
}
