/** Asks many devices the same, some at a time and within one limit of time: those that don't answer are missing. */

import { setTimeout as sleep } from 'node:timers/promises'

/** Devices that are asked at a time, and how long all of it may take. */
const atOnce = 16
const allMs = 30_000

/** By peer ID. One that fails is of an older version, busy, or gone meanwhile. */
export async function askAll<T>(
  peers: readonly string[],
  ask: (peer: string, signal: AbortSignal) => Promise<T>,
  withinMs = allMs,
): Promise<Map<string, T>> {
  const answers = new Map<string, T>()
  const limit = AbortSignal.timeout(withinMs)
  const queue = peers.values()
  const worker = async () => {
    for (const peer of queue) {
      if (limit.aborted) return
      try {
        answers.set(peer, await ask(peer, limit))
      } catch {
        // Its report is all that is known.
      }
    }
  }
  const workers = Promise.all(Array.from({ length: atOnce }, worker))
  const ended = new AbortController()
  await Promise.race([workers, sleep(withinMs, undefined, { signal: ended.signal }).catch(() => {})])
  ended.abort()
  return new Map(answers)
}
