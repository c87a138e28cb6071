/** Writes a picture as PNG (RFC 2083). */

import { crc32, deflateSync } from 'node:zlib'
import type { Picture } from './rfb-picture.ts'

/** `rgb` has three bytes for each pixel, row by row. */
export function png(picture: Picture): Buffer {
  return file(picture, deflateSync(rowsOf(picture)))
}

/** The same, compressed beside other work. */
export async function pngOf(picture: Picture, deflate: (rows: Buffer) => Promise<Buffer>): Promise<Buffer> {
  return file(picture, await deflate(rowsOf(picture)))
}

/** Each with its filter, which is none. */
function rowsOf({ width, height, rgb }: Picture): Buffer {
  const rows = Buffer.alloc((width * 3 + 1) * height)
  for (let row = 0; row < height; row++)
    rgb.copy(rows, row * (width * 3 + 1) + 1, row * width * 3, (row + 1) * width * 3)
  return rows
}

function file({ width, height }: Picture, packed: Buffer): Buffer {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  // Eight bits of each colour, without alpha and interlace.
  head.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', head),
    chunk('IDAT', packed),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}
