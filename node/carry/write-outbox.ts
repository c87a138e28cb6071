/** Writes a device's outbox: reports, certificates, its history and logs, encrypted to the fleet's controllers. */

import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import { encodeOutbox } from '../../protocol/bundle/outbox.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { HintedError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { HistoryEntry } from '../../protocol/messages/logs.ts'
import { encodeHistory, type RawHistory } from '../../protocol/messages/metrics.ts'
import type { CarriedSnapshot } from '../../protocol/messages/snapshots.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { Recorder } from '../metrics/recorder.ts'
import { controllersOf, sealFor } from '../secrets/controller-box.ts'
import type { Clock } from '../state/clock.ts'
import type { Identity } from '../state/identity.ts'

export class OutboxError extends HintedError<'no-reader' | 'not-encrypted-to-us' | 'not-a-member'> {}

export interface OutboxComponents {
  readonly fleet: string
  readonly identity: Identity
  readonly directory: Pick<Directory, 'members' | 'certificates' | 'certificate' | 'report'>
  readonly history: { of(peer: string): Promise<HistoryEntry[]> }
  /** Logs of failed activations. */
  readonly logs: { list(): Promise<{ hash: string }[]>; read(hash: string): Promise<Uint8Array | undefined> }
  /** The recorded metrics, if there are any. */
  readonly metrics?: Pick<Recorder, 'history'> | undefined
  /** The newest snapshots of its screens, if there are any. */
  readonly snapshots?: (() => Promise<CarriedSnapshot[]>) | undefined
  readonly clock: Pick<Clock, 'now'>
}

/** Writes to an open file, given by a path; resolves to the number of bytes. Throws an OutboxError without a reader. */
export async function writeOutbox(components: OutboxComponents, path: string): Promise<number> {
  const bytes = await sealedOutbox(components)
  const handle = await open(path, 'w')
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return bytes.length
}

async function sealedOutbox(components: OutboxComponents): Promise<Uint8Array> {
  const { fleet, identity, directory, history, logs, clock } = components
  const members = directory.members()
  const readers = controllersOf(directory.certificates('controller'))
  if (readers.length === 0) {
    throw new OutboxError('no-reader', 'expected a controller among the known members, there is none', {
      hint: 'Take in a bundle first: it brings the certificates of the controllers.',
    })
  }
  const kept = (await logs.list()).slice(0, limits.outboxLogs)
  const texts = await Promise.all(kept.map(({ hash }) => logs.read(hash)))
  const created = clock.now && timeText(clock.now)
  const measured = await historiesOf(components)
  const snapshots = (await components.snapshots?.()) ?? []
  const outbox = encodeOutbox(
    {
      ...versionOf(measured, snapshots),
      fleet,
      peer: identity.peerId,
      ...(created && { created }),
      certificates: members.flatMap(({ peer }) => directory.certificate(peer)?.envelope ?? []),
      reports: members.flatMap(({ peer }) => directory.report(peer)?.envelope ?? []),
      history: await history.of(identity.peerId),
      logs: texts.flatMap(text => text ?? []),
    },
    identity.signer,
  )
  return await sealFor(readers, outbox)
}

/** The oldest version that has what there is: controllers of older versions read it then. */
function versionOf(metrics: Uint8Array[], snapshots: CarriedSnapshot[]) {
  if (snapshots.length > 0) return { v: 3 as const, metrics, snapshots }
  return metrics.length > 0 ? { v: 2 as const, metrics } : { v: 1 as const }
}

/** Weeks of quarter hours and years of two hours, each from its first value on. */
async function historiesOf({ metrics }: OutboxComponents): Promise<Uint8Array[]> {
  const histories: Uint8Array[] = []
  for (const step of [900, 7200] as const) {
    const whole = await metrics?.history(step, 0, Number.MAX_SAFE_INTEGER)
    const first = whole && firstMeasured(whole)
    if (whole === undefined || first === undefined || metrics === undefined) continue
    const shown = await metrics.history(step, whole.from + first * step, Number.MAX_SAFE_INTEGER)
    histories.push(await promisify(zstdCompress)(encodeHistory(shown)))
  }
  return histories
}

function firstMeasured({ points, series }: RawHistory): number | undefined {
  for (let at = 0; at < points; at++) if (series.some(({ average }) => !Number.isNaN(average[at]))) return at
  return undefined
}
