/** One picture of a screen by RFB 3.8 (RFC 6143): asked for once, without any encoding, and read within bounds. */

import type { Duplex } from 'node:stream'
import { HintedError } from '../../protocol/errors.ts'
import { exactly } from './duplex-messages.ts'

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

/** Takes a picture's lines as they come. */
export interface PictureSink {
  begin(width: number, height: number): void
  /** A part of the line `y` from `x` on: four bytes for each pixel, blue, green, red and one for nothing. */
  line(x: number, y: number, pixels: Buffer): void
}

export async function readPicture(stream: Duplex, signal: AbortSignal): Promise<Picture> {
  let picture: Picture = { width: 0, height: 0, rgb: Buffer.alloc(0) }
  const begin = (width: number, height: number) => {
    picture = { width, height, rgb: Buffer.alloc(width * height * 3) }
  }
  const line = (x: number, y: number, pixels: Buffer) => {
    const { width, rgb } = picture
    for (let from = 0, to = (y * width + x) * 3; from < pixels.length; from += 4, to += 3) {
      rgb[to] = pixels[from + 2] ?? 0
      rgb[to + 1] = pixels[from + 1] ?? 0
      rgb[to + 2] = pixels[from] ?? 0
    }
  }
  await readLines(stream, { begin, line }, signal)
  return picture
}

/** Throws a HintedError for what is no screen of RFB 3.8 without a password. */
export async function readLines(stream: Duplex, sink: PictureSink, signal: AbortSignal): Promise<void> {
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
  sink.begin(width, height)
  let left = width * height
  while (left > 0) {
    const [kind = 0] = await read(1)
    if (kind === 2) continue
    if (kind === 3) await skipText((await read(7)).readUInt32BE(3))
    else if (kind === 1) await read((await read(5)).readUInt16BE(3) * 6)
    else if (kind === 0) left -= await update(read, { width, height }, sink)
    else throw strange(`a message of type ${kind}`)
  }
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
async function update(
  read: (bytes: number) => Promise<Buffer>,
  { width, height }: Pick<Picture, 'width' | 'height'>,
  sink: PictureSink,
): Promise<number> {
  const rectangles = (await read(3)).readUInt16BE(1)
  let pixels = 0
  for (let each = 0; each < rectangles; each++) {
    const head = await read(12)
    const [x, y, w, h] = [0, 2, 4, 6].map(at => head.readUInt16BE(at)) as [number, number, number, number]
    if (head.readInt32BE(8) !== 0 || x + w > width || y + h > height) throw strange('a part that was not asked for')
    for (let row = y; row < y + h; row++) sink.line(x, row, await read(w * 4))
    pixels += w * h
  }
  return pixels
}

function strange(what: string): HintedError {
  return new HintedError('strange-screen', `expected a VNC server of version 3.8 without a password, got ${what}`, {
    hint: 'docs/remote-access.md says how to start one on the device.',
  })
}
