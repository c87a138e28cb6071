/** Gathered writes: queued pieces that are adjacent in a file go into one call, since each call wakes a thread. */

import type { FileHandle } from 'node:fs/promises'
import { writeFully } from '../../files/file-io.ts'

/** Linux accepts 1,024 at a time (IOV_MAX); a call should still end soon. */
const maxPieces = 64

interface Piece {
  readonly bytes: Uint8Array
  readonly position: number
  readonly done: PromiseWithResolvers<void>
}

export class GatheredWrites {
  readonly #handle: Promise<Pick<FileHandle, 'write' | 'writev'>>
  #waiting: Piece[] = []
  #running = false

  constructor(handle: Promise<Pick<FileHandle, 'write' | 'writev'>>) {
    this.#handle = handle
  }

  /** Resolves when `bytes` are written at `position`; rejects with errors of `open` or `write`. */
  write(bytes: Uint8Array, position: number): Promise<void> {
    const done = Promise.withResolvers<void>()
    this.#waiting.push({ bytes, position, done })
    if (!this.#running) void this.#run()
    return done.promise
  }

  /** One call at a time: pieces that come meanwhile are for the next one. */
  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0) {
      const pieces = this.#waiting.sort((a, b) => a.position - b.position)
      this.#waiting = []
      for (const run of runsOf(pieces)) await this.#writeRun(run)
    }
    this.#running = false
  }

  async #writeRun(run: readonly Piece[]): Promise<void> {
    let written = 0
    try {
      const handle = await this.#handle
      const buffers = run.map(({ bytes }) => bytes)
      if (run.length > 1) written = (await handle.writev(buffers, run[0]?.position)).bytesWritten
    } catch {
      // The pieces are written separately below, which shows which of them failed.
    }
    for (const { bytes, position, done } of run) {
      const from = Math.min(bytes.length, Math.max(0, written))
      written -= bytes.length
      try {
        if (from < bytes.length) await writeFully(await this.#handle, bytes.subarray(from), position + from)
        done.resolve()
      } catch (thrown) {
        done.reject(thrown)
      }
    }
  }
}

/** Groups pieces, sorted by position, into runs of adjacent ones. */
function runsOf(pieces: readonly Piece[]): Piece[][] {
  const runs: Piece[][] = []
  let end = -1
  for (const piece of pieces) {
    const run = runs.at(-1)
    if (run !== undefined && piece.position === end && run.length < maxPieces) run.push(piece)
    else runs.push([piece])
    end = piece.position + piece.bytes.length
  }
  return runs
}
