/** Sends a NAR to the daemon: in frames, or piece by piece on request for old daemons. */
import { maxFrameBytes } from '../limits.ts'
import type { PathInfo } from '../path-info.ts'
import { storeError } from '../store-error.ts'
import { u64, WireMessage } from './worker-wire.ts'

/** NARs are sent in frames from this protocol on (1.23, Nix 2.4); before, the daemon requests every piece. */
const framesSince = 23

/** The parts of the connection that sending a NAR needs. */
export interface NarTarget {
  readonly minor: number
  write(...pieces: Uint8Array[]): Promise<void>
  /** Reads the daemon's messages until the import is done. */
  answer(onRead?: (length: number) => Promise<void>): Promise<void>
  /** Waits for the daemon, up to its silence limit. */
  limited<T>(promise: Promise<T>): Promise<T>
  /** Waits for another party; rejects when the connection fails. */
  interruptible<T>(promise: Promise<T>): Promise<T>
  destroy(reason: Error): void
}

/**
 * Sends the NAR and waits for the daemon's result. Always closes the source's iterator.
 *
 * @throws StoreError with the daemon's message; `nar-mismatch` if the source has another size than the info; errors
 * of the source, unchanged.
 */
export async function sendNar(target: NarTarget, info: PathInfo, nar: AsyncIterable<Uint8Array>): Promise<void> {
  const pieces = heldBack(target, info, nar)
  try {
    if (target.minor >= framesSince) await sendFrames(target, pieces)
    else await answerReads(target, pieces)
  } finally {
    await pieces.return(undefined)
  }
}

async function sendFrames(target: NarTarget, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const answer = target.answer()
  // An error while frames are being sent ends them: the daemon doesn't want the rest.
  answer.catch(error => target.destroy(error))
  for await (const piece of pieces) await target.write(u64(piece.length), piece)
  await target.write(u64(0))
  await target.limited(answer)
}

async function answerReads(target: NarTarget, pieces: AsyncGenerator<Uint8Array, void>): Promise<void> {
  let rest: Uint8Array = new Uint8Array()
  await target.answer(async length => {
    if (rest.length === 0) rest = (await pieces.next()).value ?? rest
    const part = rest.subarray(0, length)
    rest = rest.subarray(part.length)
    await target.write(new WireMessage().string(part).bytes())
  })
}

/**
 * The source in pieces of bounded size, delayed by one: the last one is sent only once the source has ended without
 * an error.
 */
async function* heldBack(
  target: NarTarget,
  info: PathInfo,
  nar: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const iterator = nar[Symbol.asyncIterator]()
  let ended = false
  let size = 0
  let held: Uint8Array | undefined
  try {
    for (;;) {
      const next = await target.interruptible(iterator.next())
      if (next.done === true) break
      const chunk = next.value
      size += chunk.length
      if (size > info.narSize) break
      for (let start = 0; start < chunk.length; start += maxFrameBytes) {
        if (held !== undefined) yield held
        held = chunk.subarray(start, start + maxFrameBytes)
      }
    }
    ended = size <= info.narSize
  } finally {
    // Not awaited: a stuck source would delay the error.
    if (!ended) iterator.return?.().catch(() => {})
  }
  if (size !== info.narSize) {
    const came = ended ? `${size}` : 'more'
    throw storeError('nar-mismatch', `Expected a NAR of ${info.narSize} bytes for ${info.path}, got ${came}`)
  }
  if (held !== undefined) yield held
}
