/** What a device answers through the mesh: a picture of its screen, and a page. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type RequestOptions, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { inflateSync } from 'node:zlib'

/** A pixel of a PNG that `thymesh screen` has made, as hexadecimal digits: lines of three bytes a pixel, without filters. */
export function pixelOf(png: Buffer, x: number, y: number): string {
  const parts: Buffer[] = []
  const width = png.readUInt32BE(16)
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)))
  }
  const lines = inflateSync(Buffer.concat(parts))
  const at = y * (1 + width * 3) + 1 + x * 3
  assert.equal(lines[y * (1 + width * 3)], 0)
  return lines.subarray(at, at + 3).toString('hex')
}

/** The body of an answer over HTTP. */
export async function answerOf(where: RequestOptions): Promise<string> {
  const [answer] = (await once(get(where), 'response')) as [IncomingMessage]
  return await text(answer)
}

/** A program on the device that answers over TCP and a Unix socket in a folder; ends with the test. */
export async function answering(
  t: TestContext,
  folder: string,
  text: string,
): Promise<{ port: number; socket: string }> {
  const socket = join(folder, `${randomBytes(4).toString('hex')}.sock`)
  const [tcp, unix] = [0, 1].map(() => createServer((_, response) => response.end(text))) as [Server, Server]
  t.after(() => {
    for (const server of [tcp, unix]) server.close()
  })
  await once(tcp.listen(0, '127.0.0.1'), 'listening')
  await once(unix.listen(socket), 'listening')
  return { port: (tcp.address() as AddressInfo).port, socket }
}
