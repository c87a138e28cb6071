/** Dials of tests: the product gives each of them some seconds, which may be too few on a busy machine. */

import type { Connection, Libp2p } from '@libp2p/interface'

const tries = 5

/** Dials again when a dial has run out of its time; rejects with any other error at once. */
export async function dial(host: Pick<Libp2p, 'dial'>, addresses: Parameters<Libp2p['dial']>[0]): Promise<Connection> {
  for (let left = tries; ; left--) {
    try {
      return await host.dial(addresses)
    } catch (thrown) {
      const isLate = thrown instanceof Error && ['TimeoutError', 'AbortError'].includes(thrown.name)
      if (!isLate || left === 1) throw thrown
    }
  }
}
