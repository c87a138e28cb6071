/** Ranges of a NAR in pieces: what the layout knows is copied, and what lies in files is named. */

import type { NarLayout } from './nar-table.ts'

/** A part of a file within a range. */
export interface FilePiece {
  readonly node: number
  /** The size of the whole file. */
  readonly contentBytes: number
  readonly position: number
  readonly into: Buffer
}

/** Throws a RangeError unless the range lies in the NAR. */
export function checkRange({ size }: NarLayout, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw new RangeError(`Expected an offset and a length, got ${offset} and ${length}`)
  }
  if (offset + length > size) {
    throw new RangeError(`Expected a range within ${size} bytes, got ${length} bytes from ${offset} on`)
  }
}

/** Copies what isn't content into `bytes` and returns the pieces of files between. */
export function fillAround(layout: NarLayout, bytes: Buffer, offset: number): FilePiece[] {
  const pieces: FilePiece[] = []
  const end = offset + bytes.length
  for (let index = layout.nodeAt(offset), at = offset; at < end; index++) {
    const { start, head, contentBytes, tail } = layout.node(index)
    const [content, after] = [start + head.length, start + head.length + contentBytes]
    copyPart(head, start, bytes, offset)
    const [from, until] = [Math.max(at, content), Math.min(after, end)]
    if (from < until) {
      const into = bytes.subarray(from - offset, until - offset)
      pieces.push({ node: index, contentBytes, position: from - content, into })
    }
    copyPart(tail, after, bytes, offset)
    at = after + tail.length
  }
  return pieces
}

/** Copies the part of `from`, which begins at `start` of the NAR, that lies in the range of `to`, which begins at `offset`. */
function copyPart(from: Buffer, start: number, to: Buffer, offset: number): void {
  const [first, last] = [Math.max(start, offset), Math.min(start + from.length, offset + to.length)]
  if (first < last) from.copy(to, first - offset, first - start, last - start)
}
