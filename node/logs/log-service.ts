/** Serves a device's logs over the mesh: to controllers only, with limits on size and rate. */

import type { PeerId, Stream } from '@libp2p/interface'
import { toHex } from '../../protocol/encoding/hash.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { type HistoryEntry, historyCodec, type LogRequest, logRequestCodec } from '../../protocol/messages/logs.ts'
import { type Answer, answerCodec, type ProtocolNames } from '../../protocol/messages/messages.ts'
import { TokenBucket } from '../concurrency/token-bucket.ts'
import { streamsPerPeer } from '../mesh/limits.ts'
import type { Admission } from '../mesh/peers/admission.ts'
import { type Channel, withChannel } from '../mesh/transport/channel.ts'
import type { Host } from '../mesh/transport/host.ts'
import { openStream } from '../mesh/transport/open-stream.ts'
import type { Logger } from '../process/log.ts'
import { type JournalReader, newest } from './journal-reader.ts'
import { logsAtOnce, logsPerPeer, logsPerPeerPerSecond, logTimeoutMs } from './limits.ts'

export class LogError extends ThymeshError<
  'not-served' | 'not-found' | 'busy' | 'failed' | 'too-large' | 'invalid-unit'
> {}

export interface LogServiceComponents {
  host: Host
  names: ProtocolNames
  admission: Pick<Admission, 'gate' | 'member'>
  /** The history of a peer's releases, as far as it is known. */
  history: { of(peer: string): Promise<HistoryEntry[]> }
  /** Absent on peers that aren't devices. */
  journal?: JournalReader
  /** The log of an activation, by its SHA-256 in hex. */
  activation?: (hash: string) => Promise<Uint8Array | undefined>
  /** Our own peer ID, whose history is served. */
  peer: string
  log: Logger
  /** Milliseconds for the rate limits; for tests. */
  now?: () => number
}

export class LogService {
  readonly #components: LogServiceComponents
  readonly #budgets = new Map<string, TokenBucket>()
  readonly #stop = new AbortController()
  #serving = 0

  constructor(components: LogServiceComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    admission.gate(names.log)
    await host.handle(names.log, (stream, { remotePeer }) => this.#serve(stream, remotePeer), {
      maxInboundStreams: streamsPerPeer,
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    await this.#components.host.unhandle(this.#components.names.log)
  }

  async #serve(stream: Stream, peer: PeerId): Promise<void> {
    const { log } = this.#components
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(logTimeoutMs)])
    try {
      await withChannel(stream, signal, channel => this.#answer(channel, peer, signal))
    } catch (thrown) {
      log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'a log was not served')
    }
  }

  async #answer(channel: Channel, peer: PeerId, signal: AbortSignal): Promise<void> {
    const request = await channel.receive(logRequestCodec)
    const refuse = (error: Extract<Answer, { error: string }>['error']) => channel.send(answerCodec, { error })
    // A member with a device's certificate must not read other devices' logs.
    if (this.#components.admission.member(peer)?.certificate.role !== 'controller') return await refuse('not-served')
    if (this.#serving >= logsAtOnce || !this.#budget(peer.toString()).take()) return await refuse('busy')
    this.#serving++
    try {
      const bytes = await this.#find(request, signal)
      if (bytes === undefined) return await refuse('not-found')
      await channel.send(answerCodec, { size: bytes.length })
      await channel.sendBody([bytes])
    } catch (thrown) {
      if (!(thrown instanceof ThymeshError)) throw thrown
      this.#components.log.info({ reason: thrown.message }, 'a log could not be read')
      await refuse('failed')
    } finally {
      this.#serving--
    }
  }

  async #find(request: LogRequest, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { history, journal, activation, peer } = this.#components
    if ('history' in request) return historyCodec.encode(await history.of(peer))
    if ('activation' in request) return (await activation?.(toHex(request.activation)))?.subarray(-limits.logBytes)
    return journal && Buffer.from(newest(await journal(request.journal, signal), limits.logBytes))
  }

  #budget(peer: string): TokenBucket {
    const { now } = this.#components
    const rate = { most: logsPerPeer, perSecond: logsPerPeerPerSecond, ...(now && { now }) }
    const budget = this.#budgets.get(peer) ?? new TokenBucket(rate)
    this.#budgets.set(peer, budget)
    return budget
  }
}

/** Requests a log from a connected device. Throws a LogError if it has none or refuses. */
export async function askForLog(
  { host, names }: { host: Pick<Host, 'getConnections'>; names: Pick<ProtocolNames, 'log'> },
  peer: PeerId,
  request: LogRequest,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  try {
    const stream = await openStream(host, peer, names.log, signal)
    return await withChannel(stream, signal, channel => readLog(channel, request))
  } catch (thrown) {
    if (!(thrown instanceof Error) || !turnedAway.has(thrown.name)) throw thrown
    throw new LogError('busy', refusals.busy, { cause: thrown })
  }
}

/** libp2p's errors for a stream that the device resets at once because too many are open. */
const turnedAway = new Set(['StreamResetError', 'StreamStateError'])

async function readLog(channel: Channel, request: LogRequest): Promise<Uint8Array> {
  await channel.send(logRequestCodec, request)
  const answer = await channel.receive(answerCodec, logTimeoutMs)
  if ('error' in answer) throw new LogError(answer.error, refusals[answer.error])
  if (answer.size > limits.logBytes) {
    throw new LogError('too-large', `expected a log of at most ${limits.logBytes} bytes, got ${answer.size}`)
  }
  return await channel.bodyBytes(answer.size)
}

const refusals: Record<Extract<Answer, { error: string }>['error'], string> = {
  'not-served': "the device gives its logs to controllers only, and this peer isn't one",
  'not-found': 'the device has no such log, or no longer has it',
  busy: 'the device was asked too often; ask again in a few seconds',
  failed: 'the device could not read its log: does it have a journal, and is the daemon allowed to read it?',
}
