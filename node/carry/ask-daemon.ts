/** Asks the daemon of this machine to take in a bundle that this process has open. */

import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { HintedError } from '../../protocol/errors.ts'
import { bundleSocket, DoorError, takeAnswerSchema } from './door-messages.ts'
import type { FeedEnd, FeedNews } from './feed-bundle.ts'

export interface AskInit {
  readonly quietSeconds: number
  readonly onNews: (news: FeedNews) => void
  /** Ends the take; the daemon detaches the bundle. */
  readonly signal: AbortSignal
}

/** Resolves when the bundle is needed no longer. Throws a DoorError if no daemon answers, and the daemon's errors. */
export async function askDaemon(stateDirectory: string, path: string, init: AskInit): Promise<FeedEnd> {
  const file = bundleSocket(stateDirectory)
  const socket = connect(file)
  const abort = () => socket.destroy(init.signal.reason as Error)
  init.signal.addEventListener('abort', abort, { once: true })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', cause => reject(noDaemon(file, cause)))
    })
    const failed = new Promise<never>((_, reject) => socket.once('error', reject))
    failed.catch(() => {})
    socket.write(`${JSON.stringify({ v: 1, path, quietSeconds: init.quietSeconds })}\n`)
    return await Promise.race([readAnswers(socket, init.onNews), failed])
  } finally {
    init.signal.removeEventListener('abort', abort)
    socket.destroy()
  }
}

async function readAnswers(socket: NodeJS.ReadableStream, onNews: AskInit['onNews']): Promise<FeedEnd> {
  for await (const line of createInterface({ input: socket })) {
    const answer = takeAnswerSchema.safeParse(JSON.parse(line))
    if (!answer.success) throw new DoorError('not-understood', 'the daemon answered in another form', { hint: restart })
    if ('news' in answer.data) onNews(answer.data.news)
    else if ('end' in answer.data) return answer.data.end
    else {
      const { code, message, hint } = answer.data.error
      throw new HintedError(code, message, { hint: hint ?? 'Look at the log of the daemon: journalctl -u thymesh' })
    }
  }
  throw new DoorError('ended', 'the daemon ended before the bundle was read', { hint: 'Run the command again.' })
}

const restart = 'Restart the daemon: it runs another version than this command.'

function noDaemon(file: string, cause: unknown): DoorError {
  return new DoorError('no-daemon', `expected the daemon of a device to listen at ${file}, none does`, {
    hint: 'Start it, or name its state with --state DIRECTORY. Run the command as the same user.',
    cause,
  })
}
