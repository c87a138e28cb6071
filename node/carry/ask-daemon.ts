/** Asks the daemon of this machine to take in a bundle or to write its outbox, in a file that this process has open, or for facts. */

import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { jsonOf } from '../../protocol/encoding/json.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { NetChecks, PeersView } from '../mesh/relay/network-view.ts'
import type { DeviceFacts } from '../standing/facts.ts'
import { bundleSocket, type DoorAnswer, DoorError, type DoorRequest, doorAnswerSchema } from './door-messages.ts'
import type { FeedEnd, FeedNews } from './feed-bundle.ts'
import { factsMs, lookMs, outboxMs } from './limits.ts'

export { DoorError }

export interface AskInit {
  readonly quietSeconds: number
  readonly onNews: (news: FeedNews) => void
  /** Ends the take; the daemon detaches the bundle. */
  readonly signal: AbortSignal
}

/** Resolves when the bundle is needed no longer. Throws a DoorError if no daemon answers, and the daemon's errors. */
export async function askToTake(stateDirectory: string, path: string, init: AskInit): Promise<FeedEnd> {
  const request: DoorRequest = { v: 1, path, quietSeconds: init.quietSeconds }
  const last = await ask(stateDirectory, request, init.signal, init.onNews)
  if ('end' in last) return last.end
  throw otherForm()
}

/** Asks for the device's outbox in an open file. Throws a DoorError if no daemon answers, and the daemon's errors. */
export async function askForOutbox(stateDirectory: string, path: string): Promise<{ device: string; bytes: number }> {
  const last = await ask(stateDirectory, { v: 1, outbox: path }, AbortSignal.timeout(outboxMs))
  if ('outbox' in last) return last.outbox
  throw otherForm()
}

/** Asks what the daemon knows of a device, or of its own. Throws a DoorError if no daemon answers, and its errors. */
export async function askForFacts(stateDirectory: string, device: string | undefined): Promise<DeviceFacts> {
  const request: DoorRequest = { v: 1, facts: device === undefined ? {} : { device } }
  const last = await ask(stateDirectory, request, AbortSignal.timeout(factsMs))
  if ('facts' in last) return last.facts
  throw otherForm()
}

/** The daemon's connections. Throws a DoorError if no daemon answers. */
export async function askForPeers(stateDirectory: string): Promise<PeersView> {
  const last = await ask(stateDirectory, { v: 1, look: 'peers' }, AbortSignal.timeout(lookMs))
  if ('peers' in last) return last.peers
  throw otherForm()
}

/** A check of the daemon's network. Throws a DoorError if no daemon answers. */
export async function askForNetwork(stateDirectory: string): Promise<NetChecks> {
  const last = await ask(stateDirectory, { v: 1, look: 'network' }, AbortSignal.timeout(lookMs))
  if ('network' in last) return last.network
  throw otherForm()
}

type LastAnswer = Exclude<DoorAnswer, { news: unknown } | { error: unknown }>

async function ask(
  stateDirectory: string,
  request: DoorRequest,
  signal: AbortSignal,
  onNews: AskInit['onNews'] = () => {},
): Promise<LastAnswer> {
  const file = bundleSocket(stateDirectory)
  const socket = connect(file)
  const abort = () => socket.destroy(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', cause => reject(noDaemon(file, cause)))
    })
    const failed = new Promise<never>((_, reject) => socket.once('error', reject))
    failed.catch(() => {})
    socket.write(`${JSON.stringify(request)}\n`)
    return await Promise.race([lastAnswer(socket, onNews), failed])
  } finally {
    signal.removeEventListener('abort', abort)
    socket.destroy()
  }
}

async function lastAnswer(socket: NodeJS.ReadableStream, onNews: AskInit['onNews']): Promise<LastAnswer> {
  for await (const line of createInterface({ input: socket })) {
    const answer = doorAnswerSchema.safeParse(jsonOf(line))
    if (!answer.success) throw otherForm()
    if ('error' in answer.data) {
      const { code, message, hint } = answer.data.error
      throw new HintedError(code, message, { hint: hint ?? 'Look at the log of the daemon: journalctl -u thymesh' })
    }
    if (!('news' in answer.data)) return answer.data
    onNews(answer.data.news)
  }
  throw new DoorError('ended', 'the daemon ended before it answered', { hint: 'Run the command again.' })
}

function otherForm(): DoorError {
  return new DoorError('not-understood', 'the daemon answered in another form', {
    hint: 'Restart the daemon: it runs another version than this command.',
  })
}

function noDaemon(file: string, cause: unknown): DoorError {
  return new DoorError('no-daemon', `expected the daemon of a device to listen at ${file}, none does`, {
    hint: 'Start it, or name its state with --state DIRECTORY. Run the command as the same user.',
    cause,
  })
}
