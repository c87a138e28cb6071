/** Bytes that no honest library would write: protobuf fields, gossip RPCs, identify and DHT messages, frame lengths. */

import type { Stream } from '@libp2p/interface'
import { packVarints } from '../../protocol/encoding/varint.ts'

type Value = number | string | Uint8Array

/** One protobuf field: a varint for a number, else length-delimited. */
export function field(number: number, value: Value): Uint8Array {
  if (typeof value === 'number') return packVarints([number * 8, value])
  const bytes = Buffer.from(value)
  return Buffer.concat([packVarints([number * 8 + 2, bytes.length]), bytes])
}

/** A protobuf message of fields; an array is a repeated one. */
export function message(fields: Readonly<Record<number, Value | readonly Value[] | undefined>>): Uint8Array {
  const parts = Object.entries(fields).flatMap(([number, value]) => {
    const values: readonly Value[] = Array.isArray(value) ? value : value === undefined ? [] : [value as Value]
    return values.map(each => field(Number(number), each))
  })
  return Buffer.concat(parts)
}

/** As libp2p's own protocols frame messages: a varint length in front. */
export function delimited(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([packVarints([bytes.length]), bytes])
}

/** A frame of the project's own streams: its length in four bytes, which may lie. */
export function framed(bytes: Uint8Array, length = bytes.length): Uint8Array {
  const header = Buffer.alloc(4)
  header.writeUInt32BE(length)
  return Buffer.concat([header, bytes])
}

/** A gossip RPC that carries messages on a topic. */
export function gossipRpc(topic: string, ...messages: Uint8Array[]): Uint8Array {
  return delimited(message({ 2: messages.map(data => message({ 2: data, 4: topic })) }))
}

/** A gossip RPC that subscribes to topics. */
export function subscribeRpc(topics: readonly string[]): Uint8Array {
  return delimited(message({ 1: topics.map(topic => message({ 1: 1, 2: topic })) }))
}

/** A gossip RPC that says it has messages of these IDs, or wants them. */
export function controlRpc(kind: 'ihave' | 'iwant', topic: string, ids: readonly Uint8Array[]): Uint8Array {
  const control = kind === 'ihave' ? { 1: message({ 1: topic, 2: ids }) } : { 2: message({ 1: ids }) }
  return delimited(message({ 3: message(control) }))
}

/** An identify message. */
export function identifyMessage(init: {
  publicKey: Uint8Array
  agent?: string
  listen?: Uint8Array[]
  protocols?: string[]
}): Uint8Array {
  const { publicKey, agent = 'raw', listen = [], protocols = [] } = init
  return delimited(message({ 1: publicKey, 2: listen, 3: protocols, 5: 'hostile/1', 6: agent }))
}

/** Types of the DHT's messages. */
export const dhtTypes = { putValue: 0, getValue: 1, addProvider: 2, getProviders: 3, findNode: 4, ping: 5 } as const

export interface DhtPeer {
  id: Uint8Array
  addresses: Uint8Array[]
}

/** A message of the DHT. */
export function dhtMessage(init: {
  type: number
  key?: Uint8Array
  record?: Uint8Array
  closer?: DhtPeer[]
  providers?: DhtPeer[]
}): Uint8Array {
  const peer = ({ id, addresses }: DhtPeer) => message({ 1: id, 2: addresses })
  return delimited(
    message({
      1: init.type,
      2: init.key,
      3: init.record,
      8: init.closer?.map(peer),
      9: init.providers?.map(peer),
    }),
  )
}

/** The messages that come on a stream before it ends, as the DHT delimits them. */
export async function framesOf(stream: Stream): Promise<Uint8Array[]> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const pieces: Uint8Array[] = []
  stream.addEventListener('message', ({ data }) => pieces.push(data.subarray()))
  stream.addEventListener('close', () => resolve())
  if (stream.status !== 'open') resolve()
  await promise
  const bytes = Buffer.concat(pieces)
  const frames: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0
      length += (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    if (at + length <= bytes.length) frames.push(bytes.subarray(at, at + length))
    at += length
  }
  return frames
}
