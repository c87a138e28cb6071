/**
 * Sends a NAR as an HTTP response: exactly as many bytes as announced, with back-pressure, or an aborted connection.
 */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { AbortRace } from '../../concurrency/abort-race.ts'
import { storeError } from '../store-error.ts'

export interface NarResponse {
  readonly response: ServerResponse
  /** Called once, when the first piece is available: until then a failure can still become a status. */
  sendHead(): void
  /** Aborted when the client has disconnected. */
  readonly signal: AbortSignal
  /** The timeout for one piece. */
  readonly pieceLimitMs: number
}

/** Sends the first `length` bytes of the pieces; throws if they end early, stall or fail. */
export async function respondWithNar(
  pieces: AsyncIterable<Uint8Array>,
  length: number,
  answer: NarResponse,
): Promise<void> {
  const { response, signal, pieceLimitMs } = answer
  const iterator = pieces[Symbol.asyncIterator]()
  const stalled = new AbortController()
  const race = new AbortRace(AbortSignal.any([signal, stalled.signal]))
  try {
    for (let left = length, started = false; left > 0; ) {
      race.throwIfAborted()
      const timer = setTimeout(() => {
        stalled.abort(storeError('store-unavailable', `The NAR's source has sent nothing for ${pieceLimitMs} ms`))
      }, pieceLimitMs)
      const { done, value } = await race.wait(iterator.next()).finally(() => clearTimeout(timer))
      if (done) throw storeError('nar-mismatch', `Expected ${length} bytes to send, the last ${left} are missing`)
      if (!started) answer.sendHead()
      started = true
      const piece = value.length > left ? value.subarray(0, left) : value
      left -= piece.length
      if (!response.write(piece)) await once(response, 'drain', { signal })
    }
    response.end()
    await iterator.return?.()
  } catch (thrown) {
    // Not awaited: a hanging source would occupy the client's slot.
    iterator.return?.().catch(() => {})
    throw thrown
  } finally {
    race.end()
  }
}
