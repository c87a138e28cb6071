/** Takes in a device's outbox at home: every report by its own signature and counter, so that nothing counts twice. */

import { decodeOutbox } from '../../protocol/bundle/outbox.ts'
import { sha256Hex } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { certificateKind } from '../../protocol/members/certificate.ts'
import type { HistoryEntry } from '../../protocol/messages/logs.ts'
import { readEnvelope } from '../../protocol/signing/dsse.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { Logger } from '../process/log.ts'
import { openSealed } from '../secrets/controller-box.ts'
import type { CarriedMetrics } from './carried-metrics.ts'
import type { CarriedSnapshots } from './carried-snapshots.ts'
import { OutboxError } from './write-outbox.ts'

export interface TakeOutboxComponents {
  readonly fleet: string
  readonly directory: Pick<Directory, 'addCertificate' | 'addReport' | 'valid'>
  readonly history: { merge(peer: string, entries: readonly HistoryEntry[]): Promise<number> }
  readonly metrics: Pick<CarriedMetrics, 'keep'>
  readonly snapshots: Pick<CarriedSnapshots, 'keep'>
  /** This controller's age identities. */
  readonly identities: () => readonly string[]
  readonly log: Logger
}

/** What was new. */
export interface TakenOutbox {
  /** The device that wrote it, and when by its own clock. */
  readonly device: string
  readonly created: string | null
  readonly certificates: number
  readonly reports: number
  readonly history: number
  /** Logs of failed activations on that device. */
  readonly logs: readonly { readonly hash: string; readonly text: Uint8Array }[]
}

/** Throws an OutboxError or FormatError if it isn't for this controller, or its author is no member of the fleet. */
export async function takeOutbox(components: TakeOutboxComponents, sealed: Uint8Array): Promise<TakenOutbox> {
  const { fleet, directory, history } = components
  const outbox = decodeOutbox(await opened(sealed, components.identities()))
  // Its own certificate may be among those that it brings.
  const certificates = await addAll(components, outbox.certificates, envelope => {
    return directory.addCertificate(readEnvelope(certificateKind, envelope).document.peer, envelope)
  })
  const author = directory.valid(outbox.peer)?.document
  if (outbox.fleet !== fleet || author === undefined) {
    throw new OutboxError('not-a-member', `expected an outbox of a member of this fleet, got one of ${outbox.peer}`, {
      hint: 'Run the command in the project of its fleet.',
    })
  }
  if (outbox.v !== 1) {
    await components.metrics.keep(outbox.peer, outbox.metrics).catch(thrown => {
      components.log.debug({ reason: messageOf(thrown) }, 'the metrics of an outbox were skipped')
    })
  }
  if (outbox.v === 3) await components.snapshots.keep(outbox.peer, outbox.snapshots)
  // First, so that the newest report repeats what the history says already.
  const entries = await history.merge(outbox.peer, outbox.history)
  return {
    device: author.name,
    created: outbox.created ?? null,
    certificates,
    reports: await addAll(components, outbox.reports, envelope => directory.addReport(envelope)),
    history: entries,
    logs: outbox.logs.map(text => ({ hash: sha256Hex(text), text })),
  }
}

/** Adds what its signature allows; resolves to how many were new. */
async function addAll(
  { log }: TakeOutboxComponents,
  envelopes: readonly Uint8Array[],
  add: (envelope: Uint8Array) => Promise<string>,
): Promise<number> {
  let fresh = 0
  for (const envelope of envelopes) {
    try {
      if ((await add(envelope)) === 'new') fresh++
    } catch (thrown) {
      log.debug({ reason: messageOf(thrown) }, 'a document of an outbox was skipped')
    }
  }
  return fresh
}

async function opened(sealed: Uint8Array, identities: readonly string[]): Promise<Uint8Array> {
  try {
    if (sealed.length > limits.outbox + limits.activationLog) throw new RangeError(`got ${sealed.length} bytes`)
    return await openSealed(identities, sealed)
  } catch (cause) {
    throw new OutboxError('not-encrypted-to-us', `expected an outbox for this controller: ${messageOf(cause)}`, {
      hint: 'Use the machine of an operator whom the device knew when it wrote the outbox.',
      cause,
    })
  }
}
