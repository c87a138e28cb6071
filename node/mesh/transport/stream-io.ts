/**
 * Bulk reads and writes on libp2p streams with back-pressure. js-libp2p 3.3's own methods fail: `onDrain()` works
 * only once per stream, and `for await` buffers without limit and hangs if the remote closed before it began.
 */

import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { ThymeshError } from '../../../protocol/errors.ts'
import { readAheadBytes } from '../limits.ts'

export class StreamError extends ThymeshError<'closed' | 'timed-out'> {}

/** How long to wait. Timers instead of AbortSignals, which cost more than moving the bytes. */
export interface Patience {
  /** For the next progress, in milliseconds. */
  readonly idleMs?: number
  /** For all of it: a `performance.now()` value. */
  readonly until?: number
  /** Ends every wait with its reason. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Sends bytes and waits until the transport has accepted all of them, so a reader that opens its window byte by byte
 * makes a sender hold at most one piece. Rejects with a StreamError or the signal's reason.
 */
export async function writeTo(
  stream: Stream,
  bytes: Uint8Array | Uint8ArrayList,
  patience: Patience = {},
): Promise<void> {
  patience.signal?.throwIfAborted()
  if (stream.send(bytes)) return
  while (stream.writableNeedsDrain) {
    if (stream.writeStatus === 'closed') throw closedEarly()
    await waiting(patience, (done, fail) => {
      const closed = () => fail(closedEarly())
      stream.addEventListener('drain', done)
      stream.addEventListener('close', closed)
      return () => {
        stream.removeEventListener('drain', done)
        stream.removeEventListener('close', closed)
      }
    })
  }
}

function closedEarly(): StreamError {
  return new StreamError('closed', 'the stream closed while bytes were waiting to be sent')
}

/** Waits for `done` within the limits; the function returned by `begin` cleans up. */
async function waiting(
  { idleMs, until, signal }: Patience,
  begin: (done: () => void, fail: (reason: unknown) => void) => () => void,
): Promise<void> {
  const limitMs = Math.min(idleMs ?? Number.POSITIVE_INFINITY, (until ?? Number.POSITIVE_INFINITY) - performance.now())
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const aborted = () => reject(signal?.reason)
  const timedOut = () => reject(new StreamError('timed-out', 'the peer was silent for too long'))
  const timer = Number.isFinite(limitMs) ? setTimeout(timedOut, Math.max(0, limitMs)) : undefined
  signal?.addEventListener('abort', aborted)
  const end = begin(resolve, reject)
  try {
    await promise
  } finally {
    end()
    clearTimeout(timer)
    signal?.removeEventListener('abort', aborted)
  }
}

/**
 * Reads a stream at the consumer's pace. Create it in the tick in which the stream came: earlier events are lost. A
 * clean end doesn't prove that all was sent; lengths and hashes do.
 */
export class StreamReader {
  readonly #stream: Stream
  readonly #aheadBytes: number
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #ended = false
  #error: unknown
  #wake: (() => void) | undefined
  #resuming = false

  constructor(stream: Stream, aheadBytes = readAheadBytes) {
    this.#stream = stream
    this.#aheadBytes = aheadBytes
    stream.addEventListener('message', event => {
      // Piece by piece: concatenating the list would copy it needlessly.
      const pieces = event.data instanceof Uint8Array ? [event.data] : event.data
      for (const piece of pieces) if (piece.length > 0) this.#queue.push(piece)
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
    if (stream.status === 'reset' || stream.status === 'aborted') {
      this.#finish(new StreamError('closed', `the stream was ${stream.status} before it was read`))
    } else if (stream.readableEnded) this.#finish(undefined)
  }

  /** The next bytes; undefined at the end. Rejects with a StreamError or the signal's reason if the stream failed. */
  async next(patience: Patience = {}): Promise<Uint8Array | undefined> {
    for (;;) {
      patience.signal?.throwIfAborted()
      const chunk = this.#queue.shift()
      if (chunk !== undefined) {
        this.#queuedBytes -= chunk.byteLength
        this.#resume()
        return chunk
      }
      if (this.#error !== undefined) throw this.#error
      if (this.#ended) return undefined
      await waiting(patience, done => {
        this.#wake = done
        return () => {
          this.#wake = undefined
        }
      })
    }
  }

  /** Puts bytes back before the next ones to read. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#queue.unshift(bytes)
    this.#queuedBytes += bytes.length
  }

  #finish(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error ?? undefined
    this.#wake?.()
  }

  #throttle(): void {
    if (!this.#resuming && this.#queuedBytes > this.#aheadBytes && this.#stream.readStatus === 'readable') {
      this.#stream.pause()
    }
  }

  #resume(): void {
    if (this.#queuedBytes > this.#aheadBytes / 2 || this.#stream.readStatus !== 'paused') return
    // resume() dispatches buffered data synchronously, and would override a pause() from within.
    this.#resuming = true
    this.#stream.resume()
    this.#resuming = false
    this.#throttle()
  }
}
