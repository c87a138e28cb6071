/** NARs of released closures, straight out of the Nix store, served to members and asked of them. */

import type { PeerId, Stream } from '@libp2p/interface'
import { pipe } from 'it-pipe'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { answerCodec, type NarRequest, narRequestCodec, type ProtocolNames } from '../../protocol/messages.ts'
import { servedNars, servedNarsPerPeer, streamsPerPeer } from '../defaults.ts'
import type { Logger } from '../log.ts'
import type { Admission } from '../mesh/admission.ts'
import { Channel, converse } from '../mesh/channel.ts'
import type { Host } from '../mesh/host.ts'
import { openStream } from '../mesh/open-stream.ts'
import type { NixStore } from '../store/nix-store.ts'
import type { Closures } from './closures.ts'

export class NarError extends ThymeshError<'not-found' | 'not-served' | 'busy' | 'failed' | 'wrong-size'> {}

export interface NarServiceComponents {
  host: Host
  names: ProtocolNames
  admission: Pick<Admission, 'gate'>
  closures: Closures
  store: Pick<NixStore, 'nar' | 'isValid'>
  log: Logger
}

export class NarService {
  readonly #components: NarServiceComponents
  readonly #stop = new AbortController()
  /** NARs on their way, by peer. */
  readonly #serving = new Map<string, number>()

  constructor(components: NarServiceComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    admission.gate(names.nar)
    await host.handle(names.nar, (stream, connection) => this.#serve(stream, connection.remotePeer), {
      maxInboundStreams: streamsPerPeer,
      maxOutboundStreams: streamsPerPeer,
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    await this.#components.host.unhandle(this.#components.names.nar)
  }

  /**
   * The bytes of a NAR as one member sends them, `narSize` of them; their hash is Nix's to check. Throws a NarError when
   * the member has no such NAR, a ChannelError when it stops early.
   */
  async *fetch(peer: PeerId, request: NarRequest, narSize: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const { host, names } = this.#components
    const channel = new Channel(await openStream(host, peer, names.nar, signal), signal)
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
    try {
      await converse(stream, this.#stop.signal, channel => this.#answer(channel, peer.toString()))
    } catch (thrown) {
      this.#components.log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'serving a NAR failed')
    }
  }

  async #answer(channel: Channel, peer: string): Promise<void> {
    const { store } = this.#components
    const request = await channel.receive(narRequestCodec)
    if (this.#isBusy(peer)) {
      await channel.send(answerCodec, { error: 'busy' })
      return
    }
    this.#count(peer, 1)
    try {
      const error = await this.#refusal(request)
      if (error !== undefined) {
        await channel.send(answerCodec, { error })
        return
      }
      const nar = await store.nar(request.path)
      await channel.send(answerCodec, { size: nar.size })
      await pipe(nar.stream(), body => channel.sendBody(body))
    } finally {
      this.#count(peer, -1)
    }
  }

  #isBusy(peer: string): boolean {
    const all = [...this.#serving.values()].reduce((sum, count) => sum + count, 0)
    return all >= servedNars || (this.#serving.get(peer) ?? 0) >= servedNarsPerPeer
  }

  #count(peer: string, change: 1 | -1): void {
    const count = (this.#serving.get(peer) ?? 0) + change
    if (count > 0) this.#serving.set(peer, count)
    else this.#serving.delete(peer)
  }

  async #refusal(request: NarRequest): Promise<'not-served' | 'not-found' | undefined> {
    const { closures, store } = this.#components
    if (!closures.isServed(request)) return 'not-served'
    return (await store.isValid(request.path)) ? undefined : 'not-found'
  }
}
