/** Serves a device's logs over the mesh: to controllers only, with limits on size and rate. */

import type { PeerId } from '@libp2p/interface'
import { toHex } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { type HistoryEntry, historyCodec, type LogRequest, logRequestCodec } from '../../protocol/messages/logs.ts'
import type { ProtocolNames } from '../../protocol/messages/messages.ts'
import { askDevice, ControllerAnswers, type ControllerAnswersComponents } from '../mesh/exchange/controller-answers.ts'
import type { Host } from '../mesh/transport/host.ts'
import { type JournalReader, newest } from './journal-reader.ts'
import { logsAtOnce, logsPerPeer, logsPerPeerPerSecond, logTimeoutMs } from './limits.ts'

export interface LogServiceComponents extends ControllerAnswersComponents {
  names: ProtocolNames
  /** The history of a peer's releases, as far as it is known. */
  history: { of(peer: string): Promise<HistoryEntry[]> }
  /** Absent on peers that aren't devices. */
  journal?: JournalReader
  /** The log of an activation, by its SHA-256 in hex. */
  activation?: (hash: string) => Promise<Uint8Array | undefined>
  /** Our own peer ID, whose history is served. */
  peer: string
}

export class LogService {
  readonly #components: LogServiceComponents
  readonly #answers: ControllerAnswers<LogRequest>

  constructor(components: LogServiceComponents) {
    this.#components = components
    this.#answers = new ControllerAnswers(components, {
      protocol: components.names.log,
      codec: logRequestCodec,
      atOnce: logsAtOnce,
      perPeer: logsPerPeer,
      perPeerPerSecond: logsPerPeerPerSecond,
      timeoutMs: logTimeoutMs,
      find: (request, signal) => this.#find(request, signal),
    })
  }

  async start(): Promise<void> {
    await this.#answers.start()
  }

  async stop(): Promise<void> {
    await this.#answers.stop()
  }

  async #find(request: LogRequest, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { history, journal, activation, peer } = this.#components
    if ('history' in request) return historyCodec.encode(await history.of(peer))
    if ('activation' in request) return (await activation?.(toHex(request.activation)))?.subarray(-limits.logBytes)
    return journal && Buffer.from(newest(await journal(request.journal, signal), limits.logBytes))
  }
}

/** Requests a log from a connected device. Throws an AnswerError if it has none or refuses. */
export async function askForLog(
  { host, names }: { host: Pick<Host, 'getConnections'>; names: Pick<ProtocolNames, 'log'> },
  peer: PeerId,
  request: LogRequest,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return await askDevice(host, peer, {
    protocol: names.log,
    codec: logRequestCodec,
    request,
    maxBytes: limits.logBytes,
    timeoutMs: logTimeoutMs,
    refusals,
    signal,
  })
}

const refusals = {
  'not-served': "the device gives its logs to controllers only, and this peer isn't one",
  'not-found': 'the device has no such log, or no longer has it',
  busy: 'the device was asked too often; ask again in a few seconds',
  failed: 'the device could not read its log: does it have a journal, and is the daemon allowed to read it?',
}
