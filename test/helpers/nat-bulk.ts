/** Bytes in bulk from one peer to another, for what a way carries. */

import { peerIdFromString } from '@libp2p/peer-id'
import { openStream } from '../../node/mesh/transport/open-stream.ts'
import { StreamReader, writeTo } from '../../node/mesh/transport/stream-io.ts'
import type { TestPeer } from './mesh.ts'

const protocol = '/thymesh-test/bulk/1'
const piece = new Uint8Array(64 << 10)
const patience = { idleMs: 30_000 }

/** Sends as many bytes as the first four bytes of a stream say. */
export async function serveBulk({ host }: TestPeer): Promise<void> {
  await host.handle(protocol, async stream => {
    const reader = new StreamReader(stream)
    const request = Buffer.from((await reader.next(patience)) ?? new Uint8Array(4))
    for (let left = request.readUInt32BE(0); left > 0; left -= piece.length) await writeTo(stream, piece, patience)
    await stream.close()
  })
}

export async function bulkFrom({ host }: TestPeer, peer: string, bytes: number): Promise<{ bytesPerSecond: number }> {
  const stream = await openStream(host, peerIdFromString(peer), protocol)
  const reader = new StreamReader(stream)
  const request = Buffer.alloc(4)
  request.writeUInt32BE(bytes)
  const began = performance.now()
  await writeTo(stream, request)
  let got = 0
  for (let part = await reader.next(patience); part !== undefined; part = await reader.next(patience))
    got += part.length
  await stream.close()
  if (got < bytes) throw new Error(`expected ${bytes} bytes, got ${got}`)
  return { bytesPerSecond: (got / (performance.now() - began)) * 1000 }
}
