/** Staged chunks that are read behind each other: what is in memory is copied, and the rest is read in as few calls as its places allow. */

import type { FileHandle } from 'node:fs/promises'
import { readFully, readFullySync } from '../../files/file-io.ts'

/** A part of the memory that is read from this byte of the file on; without waiting, if the kernel most likely has it in memory. */
interface Part {
  readonly from: number
  to: number
  readonly position: number
  readonly isFresh: boolean
}

/** Where the bytes of a chunk are. */
export interface StagedBytes {
  readonly position: number
  readonly isFresh: boolean
  readonly known: Uint8Array | undefined
}

export class StagedRun {
  readonly #into: Buffer
  readonly #parts: Part[] = []
  #used = 0
  #count = 0

  constructor(into: Buffer) {
    this.#into = into
  }

  /**
   * Adds a chunk of so many bytes, which are at `position` in the file; `isFresh`, if they were written a moment ago. They may be in
   * memory. False if it doesn't fit.
   */
  add(length: number, { position, isFresh, known }: StagedBytes): boolean {
    const from = this.#used
    if (from + length > this.#into.length) return false
    const last = this.#parts.at(-1)
    if (known !== undefined) this.#into.set(known, from)
    else if (last?.to === from && last.position + from - last.from === position && last.isFresh === isFresh)
      last.to += length
    else this.#parts.push({ from, to: from + length, position, isFresh })
    this.#used += length
    this.#count++
    return true
  }

  /** Reads what isn't there yet, and resolves to the number of chunks: all, or none if the file can't be read. */
  async read(file: Promise<FileHandle> | undefined): Promise<number> {
    try {
      const handle = await file
      for (const { from, to, position, isFresh } of this.#parts) {
        const part = this.#into.subarray(from, to)
        if (handle === undefined) return 0
        if (!(isFresh ? readFullySync(handle.fd, part, position) : await readFully(handle, part, position))) return 0
      }
      return this.#count
    } catch {
      // The disk is damaged, or the file was released meanwhile: who reads them one by one learns which are here.
      return 0
    }
  }
}
