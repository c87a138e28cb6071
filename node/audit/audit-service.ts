/** Serves the witnessed log of a device or a controller over the mesh, to controllers only. */

import type { PeerId } from '@libp2p/interface'
import { limits } from '../../protocol/limits.ts'
import {
  type AuditEntries,
  type AuditProofs,
  type AuditRequest,
  auditEntriesCodec,
  auditProofsCodec,
  auditRequestCodec,
} from '../../protocol/messages/audit.ts'
import type { ProtocolNames } from '../../protocol/messages/messages.ts'
import { askDevice, ControllerAnswers, type ControllerAnswersComponents } from '../mesh/exchange/controller-answers.ts'
import type { Host } from '../mesh/transport/host.ts'
import { answerBytes, answersAtOnce, answersPerPeer, answersPerPeerPerSecond, answerTimeoutMs } from './limits.ts'
import { LogError, type WitnessedLog } from './witnessed-log.ts'

type Kept = Pick<WitnessedLog, 'head' | 'entries' | 'proof'>

export interface AuditServiceComponents extends ControllerAnswersComponents {
  readonly names: Pick<ProtocolNames, 'audit'>
  readonly witnessed: Kept
}

export class AuditService {
  readonly #answers: ControllerAnswers<AuditRequest>

  constructor(components: AuditServiceComponents) {
    this.#answers = new ControllerAnswers(components, {
      protocol: components.names.audit,
      codec: auditRequestCodec,
      atOnce: answersAtOnce,
      perPeer: answersPerPeer,
      perPeerPerSecond: answersPerPeerPerSecond,
      timeoutMs: answerTimeoutMs,
      find: request => answerOf(components.witnessed, request),
    })
  }

  async start(): Promise<void> {
    await this.#answers.start()
  }

  async stop(): Promise<void> {
    await this.#answers.stop()
  }
}

async function answerOf(witnessed: Kept, request: AuditRequest): Promise<Uint8Array> {
  if ('entries' in request) return auditEntriesCodec.encode(await auditEntriesOf(witnessed, request.entries))
  return auditProofsCodec.encode(await auditProofsOf(witnessed, request.proofs))
}

/** Entries from one to before another, as many as one answer has. */
export async function auditEntriesOf(witnessed: Kept, range: { from: number; to: number }): Promise<AuditEntries> {
  const { size } = witnessed.head
  return { v: 1, size, ...(await witnessed.entries(range, answerBytes)) }
}

export async function auditProofsOf(witnessed: Kept, { of, to }: { of: number[]; to: number }): Promise<AuditProofs> {
  const { size } = witnessed.head
  const proofs: AuditProofs['proofs'] = []
  for (const before of of) proofs.push(await proofOf(witnessed, before, to))
  return { v: 1, size, proofs }
}

async function proofOf(witnessed: Kept, before: number, after: number): Promise<Uint8Array[] | null> {
  try {
    return await witnessed.proof(before, after)
  } catch (thrown) {
    if (thrown instanceof LogError && thrown.code === 'too-old') return null
    throw thrown
  }
}

type Asking = { host: Pick<Host, 'getConnections'>; names: Pick<ProtocolNames, 'audit'> }

/** Requests entries of a connected device. Throws an AnswerError if it refuses, a FormatError for what is no answer. */
export async function askForEntries(
  peer: Asking,
  device: PeerId,
  entries: { from: number; to: number },
  signal?: AbortSignal,
): Promise<AuditEntries> {
  return auditEntriesCodec.decode(await ask(peer, device, { entries }, signal))
}

/** The same for proofs. */
export async function askForProofs(
  peer: Asking,
  device: PeerId,
  proofs: { of: number[]; to: number },
  signal?: AbortSignal,
): Promise<AuditProofs> {
  return auditProofsCodec.decode(await ask(peer, device, { proofs }, signal))
}

async function ask({ host, names }: Asking, device: PeerId, request: AuditRequest, signal?: AbortSignal) {
  return await askDevice(host, device, {
    protocol: names.audit,
    codec: auditRequestCodec,
    request,
    maxBytes: limits.logBytes,
    timeoutMs: answerTimeoutMs,
    refusals,
    signal,
  })
}

const refusals = {
  'not-served': "the device shows its witnessed log to controllers only, and this peer isn't one",
  'not-found': 'the device has no such entries',
  busy: 'the device was asked too often; ask again in a few seconds',
  failed: 'the device could not read its witnessed log: its state may be damaged',
}
