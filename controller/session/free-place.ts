/** A socket's path that another process has listened at: when it can be ours. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long a controller that ends may keep its places. */
export const releaseMs = 10_000
export const askAgainMs = 200

/**
 * Waits until nobody listens at the path, for `releaseMs` at most: who closes a socket removes its path before, whoever has
 * listened there since, and who was killed leaves it.
 */
export async function untilFree(file: string, signal: AbortSignal): Promise<void> {
  for (const deadline = Date.now() + releaseMs; Date.now() < deadline; ) {
    if (signal.aborted || !(await isListenedAt(file))) return
    await sleep(askAgainMs, undefined, { signal }).catch(() => {})
  }
}

async function isListenedAt(file: string): Promise<boolean> {
  const socket = connect(file)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.on('error', () => {}).destroy()
  }
}
