/** One picture of a screen by RFB 3.8 (RFC 6143): asked for once, without any encoding, and read within bounds. */

import type { Duplex } from 'node:stream'
import { exactly } from '../../node/access/duplex-messages.ts'
import { HintedError } from '../../protocol/errors.ts'

export interface Picture {
  readonly width: number
  readonly height: number
  /** Three bytes for each pixel: red, green, blue. */
  readonly rgb: Buffer
}

/** Of one side, in pixels: larger than any screen. */
const maxSide = 8192
/** Names of desktops and texts of the clipboard, in bytes. */
const maxText = 1024 * 1024
const version = 'RFB 003.008\n'

export async function readPicture(stream: Duplex, signal: AbortSignal): Promise<Picture> {
  const read = (bytes: number) => exactly(stream, bytes, signal)
  const skipText = async (length: number) => {
    if (length > maxText) throw strange(`a text of ${length} bytes`)
    await read(length)
  }
  const greeting = (await read(version.length)).toString('latin1')
  if (!/^RFB 003\.\d{3}\n$/.test(greeting)) throw strange('something else')
  stream.write(version)
  const [types = 0] = await read(1)
  if (types === 0 || !(await read(types)).includes(1)) throw strange('a server that asks for a password')
  stream.write(Buffer.from([1]))
  if ((await read(4)).readUInt32BE(0) !== 0) throw strange('a refusal')
  stream.write(Buffer.from([1]))
  const init = await read(24)
  const [width, height] = [init.readUInt16BE(0), init.readUInt16BE(2)]
  if (width === 0 || height === 0 || width > maxSide || height > maxSide) throw strange(`${width} × ${height} pixels`)
  await skipText(init.readUInt32BE(20))
  stream.write(request(width, height))
  const rgb = Buffer.alloc(width * height * 3)
  let left = width * height
  while (left > 0) {
    const [kind = 0] = await read(1)
    if (kind === 2) continue
    if (kind === 3) await skipText((await read(7)).readUInt32BE(3))
    else if (kind === 1) await read((await read(5)).readUInt16BE(3) * 6)
    else if (kind === 0) left -= await update(read, { width, height, rgb })
    else throw strange(`a message of type ${kind}`)
  }
  return { width, height, rgb }
}

/** 32 bits of true colour, blue first, no encoding, and all of the screen. */
function request(width: number, height: number): Buffer {
  const format = Buffer.from([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0])
  const encodings = Buffer.from([2, 0, 0, 1, 0, 0, 0, 0])
  const ask = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  ask.writeUInt16BE(width, 6)
  ask.writeUInt16BE(height, 8)
  return Buffer.concat([format, encodings, ask])
}

/** The pixels that it has brought. */
async function update(read: (bytes: number) => Promise<Buffer>, { width, height, rgb }: Picture): Promise<number> {
  const rectangles = (await read(3)).readUInt16BE(1)
  let pixels = 0
  for (let each = 0; each < rectangles; each++) {
    const head = await read(12)
    const [x, y, w, h] = [0, 2, 4, 6].map(at => head.readUInt16BE(at)) as [number, number, number, number]
    if (head.readInt32BE(8) !== 0 || x + w > width || y + h > height) throw strange('a part that was not asked for')
    for (let row = y; row < y + h; row++) {
      const line = await read(w * 4)
      for (let column = 0; column < w; column++) {
        const to = (row * width + x + column) * 3
        rgb[to] = line[column * 4 + 2] ?? 0
        rgb[to + 1] = line[column * 4 + 1] ?? 0
        rgb[to + 2] = line[column * 4] ?? 0
      }
    }
    pixels += w * h
  }
  return pixels
}

function strange(what: string): HintedError {
  return new HintedError('strange-screen', `expected a VNC server of version 3.8 without a password, got ${what}`, {
    hint: 'docs/remote-access.md says how to start one on the device.',
  })
}
