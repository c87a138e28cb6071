/** NARs of released closures, straight out of the Nix store, served to members and asked of them. */

import type { PeerId, Stream } from '@libp2p/interface'
import { pipe } from 'it-pipe'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { answerCodec, type NarRequest, narRequestCodec, type ProtocolNames } from '../../protocol/messages.ts'
import { dialTimeoutMs, servedNars, streamsPerPeer } from '../defaults.ts'
import type { Logger } from '../log.ts'
import type { Admission } from '../mesh/admission.ts'
import { Channel } from '../mesh/channel.ts'
import type { Host } from '../mesh/host.ts'
import type { NixStore } from '../store/nix-store.ts'
import type { Closures } from './closures.ts'

export class NarError extends ThymeshError<'not-found' | 'not-served' | 'busy' | 'failed' | 'wrong-size'> {}

export interface NarServiceComponents {
  host: Host
  names: ProtocolNames
  admission: Admission
  closures: Closures
  store: Pick<NixStore, 'nar' | 'isValid'>
  log: Logger
}

export class NarService {
  readonly #components: NarServiceComponents
  #serving = 0

  constructor(components: NarServiceComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    await host.handle(names.nar, (stream, connection) => this.#serve(stream, connection.remotePeer), {
      maxInboundStreams: streamsPerPeer,
      maxOutboundStreams: streamsPerPeer,
    })
    admission.gate(names.nar)
  }

  async stop(): Promise<void> {
    await this.#components.host.unhandle(this.#components.names.nar)
  }

  /**
   * The bytes of a NAR as one member sends them, `narSize` of them; their hash is Nix's to check. Throws a NarError when
   * the member has no such NAR, a ChannelError when it stops early.
   */
  async *fetch(peer: PeerId, request: NarRequest, narSize: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const { host, names } = this.#components
    const dialled = AbortSignal.timeout(dialTimeoutMs)
    const stream = await host.dialProtocol(peer, names.nar, {
      signal: signal === undefined ? dialled : AbortSignal.any([signal, dialled]),
      maxOutboundStreams: streamsPerPeer,
    })
    const channel = new Channel(stream, signal)
    let whole = false
    try {
      await channel.send(narRequestCodec, request)
      const answer = await channel.receive(answerCodec)
      if ('error' in answer) throw new NarError(answer.error, `${peer} answered ${answer.error} for ${request.path}`)
      if (answer.size !== narSize) {
        throw new NarError('wrong-size', `expected a NAR of ${narSize} bytes, ${peer} has one of ${answer.size}`)
      }
      yield* channel.body(narSize)
      whole = true
    } finally {
      if (whole) await channel.close().catch(error => channel.abort(error))
      else channel.abort(new Error('the NAR is not wanted any more'))
    }
  }

  async #serve(stream: Stream, peer: PeerId): Promise<void> {
    const { store, log } = this.#components
    const channel = new Channel(stream)
    this.#serving++
    try {
      const request = await channel.receive(narRequestCodec)
      const refusal = await this.#refusal(request)
      if (refusal !== undefined) {
        await channel.send(answerCodec, { error: refusal })
      } else {
        const nar = await store.nar(request.path)
        await channel.send(answerCodec, { size: nar.size })
        await pipe(nar.stream(), body => channel.sendBody(body))
      }
      await channel.close()
    } catch (thrown) {
      log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'serving a NAR failed')
      channel.abort(thrown)
    } finally {
      this.#serving--
    }
  }

  async #refusal(request: NarRequest): Promise<'not-served' | 'not-found' | 'busy' | undefined> {
    const { closures, store } = this.#components
    if (!closures.isServed(request)) return 'not-served'
    if (this.#serving > servedNars) return 'busy'
    return (await store.isValid(request.path)) ? undefined : 'not-found'
  }
}
