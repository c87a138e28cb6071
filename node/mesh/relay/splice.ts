/** Splices two streams: what comes from one goes to the other, at the pace of the slower one. */

import type { Stream } from '@libp2p/interface'
import type { ByteRate } from '../../concurrency/byte-rate.ts'
import { idleSpliceMs, messageTimeoutMs, spliceWindowBytes } from '../limits.ts'
import type { Channel } from '../transport/channel.ts'
import { writeTo } from '../transport/stream-io.ts'

export interface SpliceInit {
  readonly rate: ByteRate
  /** Called for each piece that was passed on. */
  readonly passed: (bytes: number) => void
  readonly signal: AbortSignal
}

/** Resolves when both sides have ended; resets both streams and rejects when one fails. */
export async function splice(one: Channel, other: Channel, init: SpliceInit): Promise<void> {
  for (const { stream } of [one, other]) boundWindow(stream)
  try {
    await Promise.all([pass(one, other, init), pass(other, one, init)])
  } catch (thrown) {
    one.abort(thrown)
    other.abort(thrown)
    throw thrown
  }
}

async function pass(from: Channel, to: Channel, { rate, passed, signal }: SpliceInit): Promise<void> {
  for (;;) {
    const bytes = await from.reader.next({ idleMs: idleSpliceMs, signal })
    if (bytes === undefined) break
    if (rate.isLimited) await rate.take(bytes.length, signal)
    await writeTo(to.stream, bytes, { idleMs: idleSpliceMs, signal })
    passed(bytes.length)
  }
  await to.stream.close({ signal: AbortSignal.timeout(messageTimeoutMs) })
}

/** Yamux lets a window grow to what is set for it: who doesn't read must not fill a relay's memory. */
function boundWindow(stream: Stream): void {
  const windowed = stream as Stream & { maxStreamWindowSize?: number }
  if (windowed.maxStreamWindowSize !== undefined) windowed.maxStreamWindowSize = spliceWindowBytes
}
