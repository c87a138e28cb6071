/** Writes the files of a bundle in their order, and its end. */

import { createHash } from 'node:crypto'
import { encodeBundleEnd } from '../../protocol/bundle/bundle-end.ts'
import { type BundleFile, BundleOrder, bundleFileName } from '../../protocol/bundle/bundle-files.ts'
import { archiveEnd, paddingOf, ustarHeader } from '../../protocol/bundle/ustar.ts'

/** Takes the bytes of a bundle, one part after another. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>
}

export class BundleWriter {
  /** Bytes written so far. */
  written = 0
  readonly #sink: ByteSink
  readonly #hash = createHash('sha256')
  readonly #order = new BundleOrder()

  constructor(sink: ByteSink) {
    this.#sink = sink
  }

  async add(file: BundleFile, content: Uint8Array): Promise<void> {
    const entry = { name: bundleFileName(file), size: content.length }
    this.#order.next(entry)
    await this.#write(ustarHeader(entry))
    await this.#write(content)
    await this.#write(new Uint8Array(paddingOf(content.length)))
  }

  /** Writes what says that the bundle is complete. */
  async end(): Promise<void> {
    const end = { hash: this.#hash.copy().digest(), bytes: this.written }
    await this.add({ kind: 'end' }, encodeBundleEnd(end))
    await this.#write(archiveEnd)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return
    this.#hash.update(bytes)
    await this.#sink.write(bytes)
    this.written += bytes.length
  }
}
