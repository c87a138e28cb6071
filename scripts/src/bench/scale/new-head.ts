/** How long a new head holds the event loop of a peer that knows a whole fleet: a real peer, which hears of it by gossip. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerState } from '../../../../node/state/peer-state.ts'
import { LargeFleet } from '../../../../test/helpers/large-fleet.ts'
import { documentsOf, Mesh } from '../../../../test/helpers/mesh.ts'

const settleMs = 3_000

export interface Held {
  /** The longest time in which no timer was served, after the first head since the start and after the next one. */
  readonly firstMs: number
  readonly nextMs: number
}

export async function newHead(size: number, stack: AsyncDisposableStack): Promise<Held> {
  const mesh = await Mesh.of({ after: stop => void stack.defer(stop) })
  const large = new LargeFleet(size)
  const fill = (state: PeerState) => large.fill(state.database, 1)
  const peer = await mesh.start({ word: 'observer', fleet: large.fleet, fill })
  await sleep(settleMs)
  const accept = async () => {
    const { trusted } = large.fleet.revoke({ tokens: [] })
    const loop = monitorEventLoopDelay({ resolution: 1 })
    await sleep(100)
    loop.enable()
    await peer.state.accept(trusted, documentsOf(large.fleet))
    await sleep(settleMs)
    loop.disable()
    return loop.max / 1e6
  }
  return { firstMs: await accept(), nextMs: await accept() }
}
