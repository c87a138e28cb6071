/** Reads snapshots of screens from a device that has been reached, with a ticket. */

import type { Duplex } from 'node:stream'
import { receiveMessage, sendMessage } from '../../node/access/duplex-messages.ts'
import { accepted } from '../../node/access/open-access.ts'
import { equalBytes, sha256 } from '../../protocol/encoding/hash.ts'
import { HintedError } from '../../protocol/errors.ts'
import { accessVerdictCodec } from '../../protocol/messages/access.ts'
import { type SnapshotItem, snapshotItemCodec, snapshotsHelloCodec } from '../../protocol/messages/snapshots.ts'

export type ReadSnapshot = Exclude<SnapshotItem, { more: false }>

export interface SnapshotsWish {
  readonly ticket: Uint8Array
  readonly user: string
  readonly most: number
  /** Whether with the pictures themselves. */
  readonly pictures: boolean
}

/** The newest first. Throws an AccessRefusedError when the device refuses, and a HintedError for what is none. */
export async function readSnapshots(stream: Duplex, wish: SnapshotsWish, signal: AbortSignal): Promise<ReadSnapshot[]> {
  const { ticket, user, most, pictures } = wish
  sendMessage(stream, snapshotsHelloCodec, { v: 1, ticket, most, pictures })
  accepted(await receiveMessage(stream, accessVerdictCodec, signal), user)
  const found: ReadSnapshot[] = []
  for (;;) {
    const item = await receiveMessage(stream, snapshotItemCodec, signal)
    if ('more' in item) return found
    if (found.length >= most || (pictures && !isItsPicture(item))) {
      throw new HintedError('not-understood', 'expected the snapshots that were asked for, got others', {
        hint: 'The device may run a newer version: use that one here, too.',
      })
    }
    found.push(item)
  }
}

function isItsPicture({ png, sha256: hash, bytes }: ReadSnapshot): boolean {
  return png?.length === bytes && equalBytes(sha256(png), hash)
}
