/** Takes from controllers what they want no alerts about, for a time. */

import type { PeerId } from '@libp2p/interface'
import { type AlertsRequest, alertsRequestCodec, type SilenceRequest } from '../../protocol/messages/alerts.ts'
import type { ProtocolNames } from '../../protocol/messages/messages.ts'
import { askDevice, ControllerAnswers, type ControllerAnswersComponents } from '../mesh/exchange/controller-answers.ts'
import type { Host } from '../mesh/transport/host.ts'
import type { AlertBook } from './alert-book.ts'

export interface AlertsServiceComponents extends ControllerAnswersComponents {
  readonly names: ProtocolNames
  readonly book: Pick<AlertBook, 'silence' | 'endSilence'>
  /** Seconds since 1970. */
  readonly seconds: () => number
  readonly onChange: () => void
}

/** A person gives a few at a time. */
const rate = { atOnce: 2, perPeer: 20, perPeerPerSecond: 0.5, timeoutMs: 10_000 }

export class AlertsService {
  readonly #components: AlertsServiceComponents
  readonly #answers: ControllerAnswers<AlertsRequest>

  constructor(components: AlertsServiceComponents) {
    this.#components = components
    this.#answers = new ControllerAnswers(components, {
      protocol: components.names.alerts,
      codec: alertsRequestCodec,
      ...rate,
      forOperators: true,
      find: ({ silence }, _, peer) => this.#silence(silence, peer),
    })
  }

  async start(): Promise<void> {
    await this.#answers.start()
  }

  async stop(): Promise<void> {
    await this.#answers.stop()
  }

  async #silence({ for: length, ...about }: SilenceRequest, peer: PeerId): Promise<Uint8Array> {
    const { book, admission, seconds, onChange } = this.#components
    // As the certificate says, not as the message might.
    const by = admission.member(peer)?.certificate.name ?? ''
    if (length === 0) await book.endSilence(about)
    else await book.silence({ ...about, until: seconds() + length, by })
    onChange()
    return new Uint8Array()
  }
}

/** Tells a connected device. Throws an AnswerError if it refuses. */
export async function tellSilence(
  { host, names }: { host: Pick<Host, 'getConnections'>; names: Pick<ProtocolNames, 'alerts'> },
  peer: PeerId,
  silence: SilenceRequest,
  signal?: AbortSignal,
): Promise<void> {
  await askDevice(host, peer, {
    protocol: names.alerts,
    codec: alertsRequestCodec,
    request: { silence },
    maxBytes: 0,
    timeoutMs: rate.timeoutMs,
    refusals: {
      'not-served': "the device listens to operators' controllers only, and this peer is none",
      'not-found': 'the device sends no alerts',
      busy: 'the device was asked too often; ask again in a few seconds',
      failed: 'the device could not keep the silence',
    },
    signal,
  })
}
