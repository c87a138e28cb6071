/** A screen as a small picture: its pixels are averaged as they come, and it is made smaller and plainer until it fits. */

import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import { limits } from '../../protocol/limits.ts'
import { pngOf } from './png.ts'
import type { PictureSink } from './rfb-picture.ts'

/** What is tried, the best first: the width where it is as wide as high, and the bits that are kept of each colour. */
const looks: readonly (readonly [side: number, bits: number])[] = [
  [360, 8],
  [360, 5],
  [300, 5],
  [240, 5],
  [192, 4],
  [144, 3],
]
const [[largest]] = looks as [(typeof looks)[number]]

interface Size {
  readonly width: number
  readonly height: number
}

export class SnapshotPicture implements PictureSink {
  #whole: Size = { width: 1, height: 1 }
  #size: Size = { width: 1, height: 1 }
  /** Red, green, blue and how many pixels, for each pixel of the small picture. */
  #sums = new Uint32Array(4)
  /** The pixel of the small picture for each column. */
  #columns = new Uint16Array(1)

  begin(width: number, height: number): void {
    this.#whole = { width, height }
    this.#size = fitting(this.#whole, largest)
    this.#sums = new Uint32Array(this.#size.width * this.#size.height * 4)
    this.#columns = Uint16Array.from({ length: width }, (_, x) => Math.floor((x * this.#size.width) / width))
  }

  line(x: number, y: number, pixels: Buffer): void {
    const row = Math.floor((y * this.#size.height) / this.#whole.height) * this.#size.width
    for (let from = 0, column = x; from < pixels.length; from += 4, column++) {
      const to = (row + (this.#columns[column] ?? 0)) * 4
      this.#add(to, pixels[from + 2] ?? 0, pixels[from + 1] ?? 0, pixels[from] ?? 0)
    }
  }

  #add(to: number, red: number, green: number, blue: number): void {
    const sums = this.#sums
    sums[to] = (sums[to] ?? 0) + red
    sums[to + 1] = (sums[to + 1] ?? 0) + green
    sums[to + 2] = (sums[to + 2] ?? 0) + blue
    sums[to + 3] = (sums[to + 3] ?? 0) + 1
  }

  /** A PNG of at most `limits.screenSnapshot` bytes; undefined where none fits, which no screen has shown. */
  async png(): Promise<Buffer | undefined> {
    for (const [side, bits] of looks) {
      const size = fitting(this.#whole, side)
      const made = await pngOf({ ...size, rgb: this.#scaled(size, bits) }, promisify(deflate))
      if (made.length <= limits.screenSnapshot) return made
    }
    return undefined
  }

  #scaled({ width, height }: Size, bits: number): Buffer {
    const rgb = Buffer.alloc(width * height * 3)
    const kept = (0xff << (8 - bits)) & 0xff
    const counted = new Uint32Array(width * height * 4)
    for (let y = 0; y < this.#size.height; y++) {
      const row = Math.floor((y * height) / this.#size.height) * width
      for (let x = 0; x < this.#size.width; x++) {
        const from = (y * this.#size.width + x) * 4
        const to = (row + Math.floor((x * width) / this.#size.width)) * 4
        for (let part = 0; part < 4; part++)
          counted[to + part] = (counted[to + part] ?? 0) + (this.#sums[from + part] ?? 0)
      }
    }
    for (let pixel = 0; pixel < width * height; pixel++) {
      const count = counted[pixel * 4 + 3] || 1
      for (let part = 0; part < 3; part++) {
        const value = Math.floor((counted[pixel * 4 + part] ?? 0) / count) & kept
        // The highest bits once more below: white stays white.
        rgb[pixel * 3 + part] = value | (value >> bits)
      }
    }
    return rgb
  }
}

/** As many pixels as a square of this side has, in the form of the screen, and never larger than it. */
function fitting({ width, height }: Size, side: number): Size {
  const scale = Math.min(1, side / Math.sqrt(width * height))
  const most = limits.screenSnapshotSide
  const length = (whole: number) => Math.max(1, Math.min(most, Math.round(whole * scale)))
  return { width: length(width), height: length(height) }
}
