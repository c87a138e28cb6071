/**
 * Bulk reading and writing of libp2p streams with back-pressure. js-libp2p 3.3's own ways fail: `onDrain()` waits only once
 * per stream, `for await` buffers without limit and hangs when the remote closed before it began.
 */

import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { readAheadBytes } from '../defaults.ts'

/** Sends bytes and waits until the stream wants more. Rejects when the stream closes first, or with the signal's reason. */
export async function writeTo(stream: Stream, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  if (stream.send(bytes)) return
  await new Promise<void>((resolve, reject) => {
    const settle = (action: () => void) => () => {
      stream.removeEventListener('drain', drained)
      stream.removeEventListener('close', closed)
      signal?.removeEventListener('abort', aborted)
      action()
    }
    const drained = settle(resolve)
    const closed = settle(() => reject(new Error('the stream closed while bytes were waiting to be sent')))
    const aborted = settle(() => reject(signal?.reason))
    stream.addEventListener('drain', drained)
    stream.addEventListener('close', closed)
    signal?.addEventListener('abort', aborted)
  })
}

/**
 * What arrives on a stream, read at the consumer's pace. Make one in the tick in which the stream came: events that fire
 * before are lost. A clean end is no proof that all was sent: lengths and hashes are.
 */
export class StreamReader {
  readonly #stream: Stream
  #queue: StreamMessageEvent['data'][] = []
  #queuedBytes = 0
  #ended = false
  #error: unknown
  #wake: (() => void) | undefined
  #resuming = false

  constructor(stream: Stream) {
    this.#stream = stream
    stream.addEventListener('message', event => {
      this.#queue.push(event.data)
      this.#queuedBytes += event.data.byteLength
      this.#throttle()
      this.#wake?.()
    })
    stream.addEventListener('end', () => {
      if (stream.status !== 'reset' && stream.status !== 'aborted') this.#finish(undefined)
    })
    stream.addEventListener('close', event => {
      if (event.error != null || stream.readableEnded) this.#finish(event.error)
    })
    if (stream.status === 'reset' || stream.status === 'aborted') this.#finish(new Error(`stream ${stream.status}`))
    else if (stream.readableEnded) this.#finish(undefined)
  }

  /** The next bytes, or nothing at the end. Rejects when the stream failed, or with the signal's reason. */
  async next(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      const chunk = this.#queue.shift()
      if (chunk !== undefined) {
        this.#queuedBytes -= chunk.byteLength
        this.#resume()
        return chunk.subarray()
      }
      if (this.#error !== undefined) throw this.#error
      if (this.#ended) return undefined
      await this.#arrival(signal)
    }
  }

  /** Puts bytes back in front of what is read next. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#queue.unshift(bytes)
    this.#queuedBytes += bytes.length
  }

  async #arrival(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>(resolve => {
      const wake = () => {
        signal?.removeEventListener('abort', wake)
        this.#wake = undefined
        resolve()
      }
      this.#wake = wake
      signal?.addEventListener('abort', wake)
    })
  }

  #finish(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error ?? undefined
    this.#wake?.()
  }

  #throttle(): void {
    if (!this.#resuming && this.#queuedBytes > readAheadBytes && this.#stream.readStatus === 'readable') {
      this.#stream.pause()
    }
  }

  #resume(): void {
    if (this.#queuedBytes > readAheadBytes / 2 || this.#stream.readStatus !== 'paused') return
    // resume() dispatches what was held back at once: a pause() from within would be undone by it.
    this.#resuming = true
    this.#stream.resume()
    this.#resuming = false
    this.#throttle()
  }
}
