/** The second part of a sync: items in either direction until their end, one by one with older peers, else in batches. */

import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import { type SyncContent, syncItemCodec } from '../../../protocol/messages/messages.ts'
import { batchCodec, batchContentsCodec } from '../../../protocol/messages/ranges.ts'
import type { Channel } from '../transport/channel.ts'

const pack = promisify(zstdCompress)
const unpack = promisify(zstdDecompress)
/** Above it, a board's processor costs more than the bytes that it saves. */
const level = 6
/** A frame may ask for no larger window, and memory for it. */
const unpackParams = { params: { [constants.ZSTD_d_windowLogMax]: 17 } }
/** A batch is sent when it has so many bytes or items: the receiver begins with them before the rest is there. */
const fullBatchBytes = limits.syncBatch / 2
const fullBatchItems = 64
/** What CBOR adds to an item. */
const itemOverhead = 100

export interface SyncItems {
  /** Sends an item, now or with the next ones. */
  send(item: SyncContent): Promise<void>
  /** Sends what waits, and ends this direction. */
  end(): Promise<void>
  /** What the other side sends; undefined after its end. Throws a FormatError, or the channel's errors. */
  receive(): Promise<readonly SyncContent[] | undefined>
}

export function singleItems(channel: Channel): SyncItems {
  return {
    send: item => channel.send(syncItemCodec, item),
    end: () => channel.send(syncItemCodec, { end: true }),
    receive: async () => {
      const item = await channel.receive(syncItemCodec)
      return 'end' in item ? undefined : [item]
    },
  }
}

export function batchedItems(channel: Channel): SyncItems {
  let waiting: SyncContent[] = []
  let bytes = 0
  const flush = async () => {
    if (waiting.length === 0) return
    const contents = batchContentsCodec.encode(waiting)
    waiting = []
    bytes = 0
    await channel.send(batchCodec, { packed: await packed(contents), unpacked: contents.length })
  }
  return {
    send: async item => {
      waiting.push(item)
      bytes += sizeOf(item)
      if (bytes >= fullBatchBytes || waiting.length >= fullBatchItems) await flush()
    },
    end: async () => {
      await flush()
      await channel.send(batchCodec, { noMore: true })
    },
    receive: async () => {
      const batch = await channel.receive(batchCodec)
      return 'noMore' in batch ? undefined : batchContentsCodec.decode(await unpacked(batch.packed, batch.unpacked))
    },
  }
}

async function packed(contents: Uint8Array): Promise<Uint8Array> {
  const params = { params: { [constants.ZSTD_c_compressionLevel]: level }, pledgedSrcSize: contents.length }
  return Uint8Array.from(await pack(contents, params))
}

/** Never writes more than was announced. */
async function unpacked(bytes: Uint8Array, size: number): Promise<Uint8Array> {
  try {
    const contents = await unpack(bytes, { ...unpackParams, maxOutputLength: size })
    if (contents.length === size) return Uint8Array.from(contents)
    throw new RangeError(`got ${contents.length}`)
  } catch (thrown) {
    throw new FormatError('malformed', `expected zstd of ${size} bytes of sync items: ${messageOf(thrown)}`, {
      cause: thrown,
    })
  }
}

function sizeOf(item: SyncContent): number {
  if ('certificate' in item) return item.certificate.length + itemOverhead
  if ('report' in item) return item.report.length + itemOverhead
  return item.addresses.reduce((sum, address) => sum + address.length, itemOverhead)
}
