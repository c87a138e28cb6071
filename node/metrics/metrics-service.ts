/** Serves a device's metrics over the mesh, to controllers only: their history, and pages of its exporters. */

import type { PeerId } from '@libp2p/interface'
import { limits } from '../../protocol/limits.ts'
import type { ProtocolNames } from '../../protocol/messages/messages.ts'
import { encodeHistory, type MetricsRequest, metricsRequestCodec } from '../../protocol/messages/metrics.ts'
import { askDevice, ControllerAnswers, type ControllerAnswersComponents } from '../mesh/exchange/controller-answers.ts'
import type { Host } from '../mesh/transport/host.ts'
import { answersAtOnce, answersPerPeer, answersPerPeerPerSecond, answerTimeoutMs } from './limits.ts'
import type { Recorder } from './recorder.ts'
import { scrape } from './scrape.ts'

export interface MetricsServiceComponents extends ControllerAnswersComponents {
  readonly names: ProtocolNames
  readonly recorder: Pick<Recorder, 'history'>
  /** The daemon's own page for Prometheus. */
  readonly page: () => string
}

export class MetricsService {
  readonly #components: MetricsServiceComponents
  readonly #ports: readonly number[]
  readonly #answers: ControllerAnswers<MetricsRequest>

  /** `ports` are those of exporters on this machine's loopback address that controllers may read. */
  constructor(components: MetricsServiceComponents, ports: readonly number[]) {
    this.#components = components
    this.#ports = ports
    this.#answers = new ControllerAnswers(components, {
      protocol: components.names.metrics,
      codec: metricsRequestCodec,
      atOnce: answersAtOnce,
      perPeer: answersPerPeer,
      perPeerPerSecond: answersPerPeerPerSecond,
      timeoutMs: answerTimeoutMs,
      find: (request, signal) => this.#find(request, signal),
    })
  }

  async start(): Promise<void> {
    await this.#answers.start()
  }

  async stop(): Promise<void> {
    await this.#answers.stop()
  }

  async #find(request: MetricsRequest, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { recorder, page } = this.#components
    if ('history' in request) {
      const { step, from, to, series } = request.history
      return encodeHistory(await recorder.history(step, from, to, series))
    }
    const { port } = request.scrape
    if (port === 0) return Buffer.from(page())
    return this.#ports.includes(port) ? await scrape(port, signal) : undefined
  }
}

/** Requests metrics of a connected device. Throws an AnswerError if it has none or refuses. */
export async function askForMetrics(
  { host, names }: { host: Pick<Host, 'getConnections'>; names: Pick<ProtocolNames, 'metrics'> },
  peer: PeerId,
  request: MetricsRequest,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return await askDevice(host, peer, {
    protocol: names.metrics,
    codec: metricsRequestCodec,
    request,
    maxBytes: limits.metricsBytes,
    timeoutMs: answerTimeoutMs,
    refusals,
    signal,
  })
}

const refusals = {
  'not-served': "the device gives its metrics to controllers only, and this peer isn't one",
  'not-found': 'the device lets nobody read this port: its setting `metrics.scrape` lists those that may be read',
  busy: 'the device was asked too often; ask again in a few seconds',
  failed: 'the device could not read the page: does the exporter run on it?',
}
