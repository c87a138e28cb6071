/** Serves the recordings of a device over the mesh, to controllers only; they are sealed for them. */

import type { PeerId } from '@libp2p/interface'
import { FormatError } from '../../protocol/encoding/cbor.ts'
import { limits } from '../../protocol/limits.ts'
import type { ProtocolNames } from '../../protocol/messages/messages.ts'
import {
  type Recorded,
  type RecordingsList,
  type RecordingsRequest,
  recordingPartCodec,
  recordingsListCodec,
  recordingsRequestCodec,
} from '../../protocol/messages/recordings.ts'
import { askDevice, ControllerAnswers, type ControllerAnswersComponents } from '../mesh/exchange/controller-answers.ts'
import type { Host } from '../mesh/transport/host.ts'
import {
  recordingAnswerMs,
  recordingAnswersAtOnce,
  recordingAnswersPerPeer,
  recordingAnswersPerSecond,
  recordingsKept,
} from './limits.ts'
import type { RecordingBook } from './recording-book.ts'

export interface RecordingsServiceComponents extends ControllerAnswersComponents {
  readonly names: Pick<ProtocolNames, 'recordings'>
  readonly recordings: Pick<RecordingBook, 'list' | 'read'>
}

export function recordingsService(components: RecordingsServiceComponents): ControllerAnswers<RecordingsRequest> {
  const { names, recordings } = components
  return new ControllerAnswers(components, {
    protocol: names.recordings,
    codec: recordingsRequestCodec,
    atOnce: recordingAnswersAtOnce,
    perPeer: recordingAnswersPerPeer,
    perPeerPerSecond: recordingAnswersPerSecond,
    timeoutMs: recordingAnswerMs,
    find: async request => {
      if ('list' in request)
        return recordingsListCodec.encode({ v: 1, recordings: await recordings.list(request.before) })
      const { id, from } = request.read
      const found = await recordings.read(id, from)
      return found && recordingPartCodec.encode({ v: 1, from, ...found })
    },
  })
}

type Asking = { host: Pick<Host, 'getConnections'>; names: Pick<ProtocolNames, 'recordings'> }

/** Asks a connected device. Throws an AnswerError if it refuses, a FormatError for what is no answer. */
export async function askForRecordings(peer: Asking, device: PeerId, signal?: AbortSignal): Promise<RecordingsList> {
  const found: Recorded[] = []
  for (;;) {
    const before = found.at(-1)?.id
    const request = { list: true, ...(before !== undefined && { before }) } as const
    const { recordings } = recordingsListCodec.decode(await ask(peer, device, request, signal))
    found.push(...recordings)
    if (recordings.length < limits.recordingsListed || found.length >= recordingsKept)
      return { v: 1, recordings: found }
  }
}

/** The whole sealed file of one, part by part. */
export async function readRecording(
  peer: Asking,
  device: PeerId,
  id: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (let from = 0; ; ) {
    const part = recordingPartCodec.decode(await ask(peer, device, { read: { id, from } }, signal))
    // All that fits: else a device could keep us here for days.
    if (part.from !== from || part.bytes.length !== Math.max(0, Math.min(limits.recordingPart, part.size - from))) {
      throw new FormatError('malformed', `expected the bytes of a recording from ${from} on, got others`)
    }
    parts.push(part.bytes)
    from += part.bytes.length
    // One that is written meanwhile may be longer at the next part: it ends where it ended at the last answer.
    if (part.bytes.length === 0 || from >= part.size) return Buffer.concat(parts)
  }
}

async function ask({ host, names }: Asking, device: PeerId, request: RecordingsRequest, signal?: AbortSignal) {
  return await askDevice(host, device, {
    protocol: names.recordings,
    codec: recordingsRequestCodec,
    request,
    maxBytes: limits.logBytes,
    timeoutMs: recordingAnswerMs,
    refusals,
    signal,
  })
}

const refusals = {
  'not-served': "the device shows its recordings to controllers only, and this peer isn't one",
  'not-found': 'the device has no such recording',
  busy: 'the device was asked too often; ask again in a few seconds',
  failed: 'the device could not read its recordings: its disk may be damaged',
}
