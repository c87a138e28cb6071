/** Answers what only controllers may ask of a device: one request in a stream, then a body, with limits on size and rate. */

import type { PeerId, Stream } from '@libp2p/interface'
import type { Codec } from '../../../protocol/encoding/cbor.ts'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { isViewer } from '../../../protocol/members/certificate.ts'
import { type Answer, answerCodec } from '../../../protocol/messages/messages.ts'
import { TokenBucket } from '../../concurrency/token-bucket.ts'
import type { Logger } from '../../process/log.ts'
import { streamsPerPeer } from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import { type Channel, withChannel } from '../transport/channel.ts'
import type { Host } from '../transport/host.ts'
import { openStream } from '../transport/open-stream.ts'

type Refusal = Extract<Answer, { error: string }>['error']

export class AnswerError extends ThymeshError<Refusal | 'too-large' | 'not-understood'> {}

export interface ControllerAnswersComponents {
  readonly host: Host
  readonly admission: Pick<Admission, 'gate' | 'member'>
  readonly log: Logger
  /** Milliseconds for the rate limits; for tests. */
  readonly now?: () => number
}

export interface ControllerAnswersInit<Request> {
  readonly protocol: string
  readonly codec: Codec<Request>
  /** How many are answered at a time, how many of one controller in a burst, and how many a second after that. */
  readonly atOnce: number
  readonly perPeer: number
  readonly perPeerPerSecond: number
  readonly timeoutMs: number
  /** It changes something: viewers are refused. */
  readonly forOperators?: true
  /** The body; undefined if there is none. Throws a ThymeshError for what the device can't give. */
  find(request: Request, signal: AbortSignal, peer: PeerId): Promise<Uint8Array | undefined>
}

export class ControllerAnswers<Request> {
  readonly #components: ControllerAnswersComponents
  readonly #init: ControllerAnswersInit<Request>
  readonly #budgets = new Map<string, TokenBucket>()
  readonly #stop = new AbortController()
  #serving = 0

  constructor(components: ControllerAnswersComponents, init: ControllerAnswersInit<Request>) {
    this.#components = components
    this.#init = init
  }

  async start(): Promise<void> {
    const { host, admission } = this.#components
    const { protocol } = this.#init
    admission.gate(protocol)
    await host.handle(protocol, (stream, { remotePeer }) => this.#serve(stream, remotePeer), {
      maxInboundStreams: streamsPerPeer,
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    await this.#components.host.unhandle(this.#init.protocol)
  }

  async #serve(stream: Stream, peer: PeerId): Promise<void> {
    const { log } = this.#components
    const { timeoutMs, codec } = this.#init
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)])
    try {
      await withChannel(stream, signal, channel => this.#answer(channel, peer, signal))
    } catch (thrown) {
      log.debug({ peer: peer.toString(), what: codec.name, reason: messageOf(thrown) }, 'a request was not answered')
    }
  }

  async #answer(channel: Channel, peer: PeerId, signal: AbortSignal): Promise<void> {
    const { admission, log } = this.#components
    const { codec, atOnce, forOperators, find } = this.#init
    const request = await channel.receive(codec)
    const refuse = (error: Refusal) => channel.send(answerCodec, { error })
    // A member with a device's certificate must not read what other devices tell.
    const asking = admission.member(peer)?.certificate
    if (asking?.role !== 'controller' || (forOperators && isViewer(asking))) return await refuse('not-served')
    if (this.#serving >= atOnce || !this.#budget(peer.toString()).take()) return await refuse('busy')
    this.#serving++
    try {
      const bytes = await find(request, signal, peer)
      if (bytes === undefined) return await refuse('not-found')
      await channel.send(answerCodec, { size: bytes.length })
      await channel.sendBody([bytes])
    } catch (thrown) {
      if (!(thrown instanceof ThymeshError)) throw thrown
      log.info({ what: codec.name, reason: thrown.message }, 'a request could not be answered')
      await refuse('failed')
    } finally {
      this.#serving--
    }
  }

  #budget(peer: string): TokenBucket {
    const { perPeer, perPeerPerSecond } = this.#init
    const { now } = this.#components
    const rate = { most: perPeer, perSecond: perPeerPerSecond, ...(now && { now }) }
    const budget = this.#budgets.get(peer) ?? new TokenBucket(rate)
    this.#budgets.set(peer, budget)
    return budget
  }
}

export interface AskInit<Request> {
  readonly protocol: string
  readonly codec: Codec<Request>
  readonly request: Request
  readonly maxBytes: number
  readonly timeoutMs: number
  /** What each refusal means, for a person. */
  readonly refusals: Readonly<Record<Refusal, string>>
  readonly signal?: AbortSignal | undefined
}

/** Asks a connected device. Throws an AnswerError if it has nothing or refuses. */
export async function askDevice<Request>(
  host: Pick<Host, 'getConnections'>,
  peer: PeerId,
  init: AskInit<Request>,
): Promise<Uint8Array> {
  try {
    const stream = await openStream(host, peer, init.protocol, init.signal)
    return await withChannel(stream, init.signal, channel => readAnswer(channel, init))
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown
    if (thrown.name === 'UnsupportedProtocolError') {
      throw new AnswerError('not-understood', `the device is of a version that knows no ${init.codec.name}`, {
        cause: thrown,
      })
    }
    if (!turnedAway.has(thrown.name)) throw thrown
    throw new AnswerError('busy', init.refusals.busy, { cause: thrown })
  }
}

/** libp2p's errors for a stream that the device resets at once because too many are open. */
const turnedAway = new Set(['StreamResetError', 'StreamStateError'])

async function readAnswer<Request>(channel: Channel, init: AskInit<Request>): Promise<Uint8Array> {
  const { codec, request, timeoutMs, refusals, maxBytes } = init
  await channel.send(codec, request)
  const answer = await channel.receive(answerCodec, timeoutMs)
  if ('error' in answer) throw new AnswerError(answer.error, refusals[answer.error])
  if (answer.size > maxBytes) {
    throw new AnswerError('too-large', `expected an answer of at most ${maxBytes} bytes, got ${answer.size}`)
  }
  return await channel.bodyBytes(answer.size)
}
