/** Writes a bundle to a file, and continues where an interrupted run ended: equal bytes are not written again. */

import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { blockBytes, paddingOf, readUstarHeader } from '../../protocol/bundle/ustar.ts'
import { syncDirectory } from '../files/durable-file.ts'
import { readUpTo, writeFully } from '../files/file-io.ts'
import type { ByteSink } from './bundle-writer.ts'

export class FileSink implements ByteSink {
  /** Bytes of an earlier run that stay. */
  kept = 0
  readonly #handle: FileHandle
  readonly #file: string
  #at = 0
  /** The bytes so far are those of the earlier run. */
  #compares = true

  private constructor(handle: FileHandle, file: string) {
    this.#handle = handle
    this.#file = file
  }

  /** Opens the draft beside `file`, which `finish` puts in its place. */
  static async open(file: string): Promise<FileSink> {
    const draft = draftOf(file)
    const handle = await open(draft, 'r+').catch(() => open(draft, 'w+'))
    return new FileSink(handle, file)
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#compares && (await this.#peek(bytes.length)).equals(bytes)) {
      this.#at += bytes.length
      this.kept = this.#at
      return
    }
    if (this.#compares) await this.#handle.truncate(this.#at)
    this.#compares = false
    await writeFully(this.#handle, bytes, this.#at)
    this.#at += bytes.length
  }

  /** The content of the file that comes next, if an earlier run wrote one with this name. */
  async earlier(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    if (!this.#compares) return undefined
    try {
      const entry = readUstarHeader(await this.#peek(blockBytes))
      if (entry?.name !== name || entry.size > maxBytes) return undefined
      const whole = blockBytes + entry.size + paddingOf(entry.size)
      const bytes = await this.#peek(whole)
      return bytes.length === whole ? bytes.subarray(blockBytes, blockBytes + entry.size) : undefined
    } catch {
      return undefined
    }
  }

  /** Makes the draft durable, and puts it in the place of the file. */
  async finish(): Promise<void> {
    await this.#handle.truncate(this.#at)
    await this.#handle.sync()
    await this.#handle.close()
    await rename(draftOf(this.#file), this.#file)
    await syncDirectory(dirname(this.#file))
  }

  /** Leaves the draft for the next run. */
  close(): Promise<void> {
    return this.#handle.close()
  }

  #peek(length: number): Promise<Buffer> {
    return readUpTo(this.#handle, length, this.#at)
  }
}

function draftOf(file: string): string {
  return `${file}.part`
}
