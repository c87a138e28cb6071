/**
 * The file of a recorded session: parts, each of a length (4 bytes, the highest first) and an age file. Opened and unpacked
 * (zstd, RFC 8878), the parts together are an asciicast of version 2 (https://docs.asciinema.org/manual/asciicast/v2/). Each
 * part is whole by itself, so a power cut costs no more than the last one.
 */

import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { ThymeshError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { openSealed, sealFor } from '../secrets/controller-box.ts'
import { recordedPartBytes } from './limits.ts'

export class RecordingError extends ThymeshError<'malformed' | 'not-encrypted-to-us'> {}

/** Of one part that is sealed: what doesn't pack grows a little, and each reader takes 200 bytes. */
const maxSealed = 2 * recordedPartBytes + 1024 * 1024

/** Some lines of the asciicast, sealed, with the length before it. */
export async function sealedPart(readers: readonly string[], lines: string): Promise<Uint8Array> {
  const sealed = await sealFor(readers, await promisify(zstdCompress)(lines))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(sealed.length)
  return Buffer.concat([length, sealed])
}

export interface OpenedRecording {
  /** The lines of all parts that are whole. */
  readonly lines: string
  /** Whether the file ends with a whole part. */
  readonly whole: boolean
}

/** Throws a RecordingError for what is no recording, and for one that none of the identities opens. */
export async function openRecording(identities: readonly string[], file: Uint8Array): Promise<OpenedRecording> {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const parts: string[] = []
  let room = 2 * limits.recording
  let at = 0
  while (at + 4 <= file.length) {
    const length = view.getUint32(at)
    if (length > maxSealed) throw malformed(`expected a part of at most ${maxSealed} bytes, got ${length}`)
    if (at + 4 + length > file.length) break
    const text = await opened(identities, file.subarray(at + 4, at + 4 + length), room)
    room -= text.length
    parts.push(text)
    at += 4 + length
  }
  return { lines: parts.join(''), whole: at === file.length }
}

async function opened(identities: readonly string[], sealed: Uint8Array, room: number): Promise<string> {
  let packed: Uint8Array
  try {
    packed = await openSealed(identities, sealed)
  } catch (cause) {
    throw new RecordingError('not-encrypted-to-us', 'no key of this controller opens the recording', { cause })
  }
  try {
    const maxOutputLength = Math.max(1, Math.min(room, 8 * recordedPartBytes))
    return new TextDecoder('utf-8', { fatal: true }).decode(
      await promisify(zstdDecompress)(packed, { maxOutputLength }),
    )
  } catch (cause) {
    throw malformed('expected a part that unpacks to text within its bounds', cause)
  }
}

function malformed(message: string, cause?: unknown): RecordingError {
  return new RecordingError('malformed', message, { cause })
}
