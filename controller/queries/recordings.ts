/** The answers of `thymesh recordings`: asks a device for the sessions that it has recorded, and opens one. */

import { sha256Hex } from '../../protocol/encoding/hash.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Recorded } from '../../protocol/messages/recordings.ts'
import type { DeviceRecording, DeviceRecordings } from '../api/schemas/recordings.ts'
import { castOf } from '../format/asciicast.ts'
import { deviceNamed, reach } from '../session/reach.ts'
import type { Session } from '../session/session.ts'

export class RecordingsError extends HintedError<'no-recording'> {}

export interface RecordingsOptions {
  /** The device's name. */
  readonly device: string
  /** Seconds to try to reach the device. */
  readonly wait: number
}

export interface RecordingOptions extends RecordingsOptions {
  /** The recording's ID, or how it begins. */
  readonly id: string
}

export async function queryRecordings(session: Session, options: RecordingsOptions): Promise<DeviceRecordings> {
  const { recordings } = await listed(session, options)
  return { device: options.device, recordings: recordings.map(shown) }
}

export async function queryRecording(session: Session, options: RecordingOptions): Promise<DeviceRecording> {
  const { peer, recordings } = await listed(session, options)
  const [recording, ...others] = recordings.filter(({ id }) => id.startsWith(options.id))
  if (recording === undefined || others.length > 0) {
    const message = recording === undefined ? 'has no recording' : 'has several recordings'
    throw new RecordingsError('no-recording', `${options.device} ${message} ${options.id}`, {
      hint: `These are there: thymesh recordings ${options.device}`,
    })
  }
  const file = await session.peer.recordings.read(peer, recording.id)
  const { lines, whole } = await session.peer.recordings.open(file)
  return { device: options.device, recording: shown(recording), sha256: sha256Hex(file), whole, cast: castOf(lines) }
}

async function listed({ peer }: Session, { device, wait }: RecordingsOptions) {
  const certificate = deviceNamed(peer, device)
  await reach(peer, certificate, wait * 1000)
  return { peer: certificate.peer, recordings: await peer.recordings.list(certificate.peer) }
}

function shown({ id, operators, fingerprint, controller, user, began, seconds, bytes, reason }: Recorded) {
  return {
    ...{ id, operators, fingerprint, controller: controller ?? null, user },
    ...{ began: began ?? null, seconds: seconds ?? null, bytes, reason: reason ?? null },
  }
}
