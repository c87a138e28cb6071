/** Sends a NAR's bytes as an HTTP answer: exactly as many as were announced, at the client's pace, or a cut connection. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { storeError } from '../store-error.ts'

export interface NarAnswer {
  readonly response: ServerResponse
  /** Called once, when the first piece is there: until then a failure can still be told with a status. */
  sendHead(): void
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal
  /** How long one piece may take. */
  readonly pieceLimitMs: number
}

/** Sends the first `length` bytes of the pieces; throws when they end early, stall or fail. */
export async function sendNar(pieces: AsyncIterable<Uint8Array>, length: number, answer: NarAnswer): Promise<void> {
  const { response, signal } = answer
  const iterator = pieces[Symbol.asyncIterator]()
  try {
    for (let left = length, started = false; left > 0; ) {
      const { done, value } = await nextPiece(iterator, answer)
      if (done) throw storeError('nar-mismatch', `Expected ${length} bytes to send, the last ${left} did not come`)
      if (!started) answer.sendHead()
      started = true
      const piece = value.length > left ? value.subarray(0, left) : value
      left -= piece.length
      if (!response.write(piece)) await once(response, 'drain', { signal })
    }
    response.end()
    await iterator.return?.()
  } catch (thrown) {
    // Not waited for: a source that hangs would keep the client's slot.
    iterator.return?.().catch(() => {})
    throw thrown
  }
}

async function nextPiece(
  iterator: AsyncIterator<Uint8Array>,
  { signal, pieceLimitMs }: NarAnswer,
): Promise<IteratorResult<Uint8Array>> {
  signal.throwIfAborted()
  const stopped = Promise.withResolvers<never>()
  const onAbort = () => stopped.reject(signal.reason)
  const timer = setTimeout(() => {
    stopped.reject(storeError('store-unavailable', `The NAR's source has sent nothing for ${pieceLimitMs} ms`))
  }, pieceLimitMs)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([iterator.next(), stopped.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
