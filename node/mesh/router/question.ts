/** One question to a router by UDP: asked again while nothing comes, and everything that isn't the answer is ignored. */

import type { Socket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { absent, type Mapper } from './asked.ts'
import { type Router, socketTo } from './router.ts'

/**
 * Resolves to the first datagram of which `read` makes something; what it throws is thrown. Rejects with `absent` if none
 * comes in time, or the router says that nobody listens there.
 */
export async function askByUdp<T>(
  { address, ports, waits }: Pick<Router, 'address' | 'ports' | 'waits'>,
  { by, question, read }: { by: Mapper; question: Uint8Array; read: (answer: Buffer) => T | undefined },
  signal: AbortSignal,
): Promise<T> {
  const socket = await socketTo(address, ports.pcp).catch(() => {
    throw absent(by)
  })
  const over = new AbortController()
  try {
    const answered = answerOf(socket, by, read)
    void repeat(socket, question, waits.triesMs, over.signal)
    const limit = AbortSignal.any([signal, over.signal])
    const late = sleep(
      waits.triesMs.reduce((sum, ms) => sum + ms),
      undefined,
      { signal: limit },
    )
    const found = await Promise.race([answered, late])
    if (found === undefined) throw absent(by)
    return found
  } finally {
    over.abort()
    socket.close()
  }
}

function answerOf<T>(socket: Socket, by: Mapper, read: (answer: Buffer) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    socket.on('error', () => reject(absent(by)))
    socket.on('message', message => {
      try {
        const answer = read(message)
        if (answer !== undefined) resolve(answer)
      } catch (thrown) {
        reject(thrown)
      }
    })
  })
}

/** Never rejects. */
async function repeat(
  socket: Socket,
  question: Uint8Array,
  triesMs: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  try {
    for (const ms of triesMs) {
      socket.send(question, () => {})
      await sleep(ms, undefined, { signal })
    }
  } catch {
    // It is over.
  }
}
