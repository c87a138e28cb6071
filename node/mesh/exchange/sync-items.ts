/** The second part of a sync: items in either direction until their end, one by one with older peers, else in batches. */

import { limits } from '../../../protocol/limits.ts'
import { type SyncContent, syncItemCodec } from '../../../protocol/messages/messages.ts'
import { batchCodec, batchContentsCodec, type SyncBatch } from '../../../protocol/messages/ranges.ts'
import type { Channel } from '../transport/channel.ts'
import { packItems, unpackItems } from './pack-items.ts'

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
  const packed = async (): Promise<SyncBatch> => {
    const contents = batchContentsCodec.encode(waiting)
    waiting = []
    bytes = 0
    return { packed: await packItems(contents), unpacked: contents.length }
  }
  return {
    send: async item => {
      waiting.push(item)
      bytes += sizeOf(item)
      if (bytes < fullBatchBytes && waiting.length < fullBatchItems) return
      await channel.send(batchCodec, await packed())
    },
    end: async () => {
      if (waiting.length > 0) channel.hold(batchCodec, await packed())
      await channel.send(batchCodec, { noMore: true })
    },
    receive: async () => {
      const batch = await channel.receive(batchCodec)
      return 'noMore' in batch ? undefined : batchContentsCodec.decode(await unpackItems(batch.packed, batch.unpacked))
    },
  }
}

function sizeOf(item: SyncContent): number {
  if ('certificate' in item) return item.certificate.length + itemOverhead
  if ('report' in item) return item.report.length + itemOverhead
  return item.addresses.reduce((sum, address) => sum + address.length, itemOverhead)
}
