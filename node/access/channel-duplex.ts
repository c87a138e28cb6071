/** A stream of the mesh as a stream of Node, with back-pressure, and each direction ended by itself. */

import { Duplex } from 'node:stream'
import type { Channel } from '../mesh/transport/channel.ts'

export class ChannelDuplex extends Duplex {
  readonly #channel: Channel
  #reading = false

  /** Takes over what comes after the messages of the channel. */
  constructor(channel: Channel) {
    super({ allowHalfOpen: true })
    this.#channel = channel
  }

  override _read(): void {
    if (this.#reading) return
    this.#reading = true
    this.#channel.rest().then(
      bytes => {
        this.#reading = false
        this.push(bytes ?? null)
      },
      error => this.destroy(error),
    )
  }

  override _write(bytes: Uint8Array, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#channel.sendRest(bytes).then(() => done(), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#channel.close().then(() => done(), done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // Both directions have ended by themselves, or the other side must be told.
    if (error !== null || !this.readableEnded || !this.writableFinished) {
      this.#channel.abort(error ?? new Error('the stream was given up'))
    }
    done(error)
  }
}
