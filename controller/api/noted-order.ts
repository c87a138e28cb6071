/** Writes into the controller's own witnessed log what its operator orders: that it begins, and how it ends. */

import { ThymeshError } from '../../protocol/errors.ts'
import type { Session } from '../session/session.ts'

/** `options` are those that a task may keep: none is a secret. Gives or throws what the work does. */
export async function noted<Result>(
  { peer }: Pick<Session, 'peer'>,
  { order, options }: { order: string; options: object },
  work: () => Promise<Result>,
): Promise<Result> {
  // Before anything is signed: what a power cut ends stands there too.
  await peer.ownLog.audited('order-began', { order, options: JSON.stringify(options) })
  try {
    const result = await work()
    await peer.ownLog.audited('order-ended', { order, state: 'done', ...madeBy(result) })
    return result
  } catch (thrown) {
    const code = thrown instanceof ThymeshError ? thrown.code : undefined
    await peer.ownLog.audited('order-ended', { order, state: 'failed', code })
    throw thrown
  }
}

/** The release or the proposal that it has made. */
function madeBy(result: unknown): { release?: number; proposal?: string } {
  const { release, proposal } = Object(result) as { release?: unknown; proposal?: unknown }
  return {
    ...(typeof release === 'number' && { release }),
    ...(typeof proposal === 'string' && { proposal }),
  }
}
