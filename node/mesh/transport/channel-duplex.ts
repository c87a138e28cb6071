/** A stream of the mesh as a stream of Node, with back-pressure, and each direction ended by itself. */

import { Duplex } from 'node:stream'
import type { Channel } from './channel.ts'

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
        if (bytes === undefined) this.onMeshEnd()
        else {
          this.onMoved(bytes.length)
          this.push(bytes)
        }
      },
      error => this.destroy(error),
    )
  }

  override _write(bytes: Uint8Array, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.onMoved(bytes.length)
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

  /** The other side has ended its direction on the mesh. */
  protected onMeshEnd(): void {
    this.push(null)
  }

  /** So many bytes have come, or go now. */
  protected onMoved(_bytes: number): void {}
}
