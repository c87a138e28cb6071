/** Waiting until what was signed has left this machine: a controller may go a moment later. */

import { setTimeout as sleep } from 'node:timers/promises'
import { pause } from '../../node/concurrency/pause.ts'
import type { ControllerPeer } from '../../node/peer/controller-peer.ts'

/** Names of the connected members that have our head by now, or at the deadline. */
export async function deliverHead(
  { neighbours }: Pick<ControllerPeer, 'neighbours'>,
  limitMs: number,
): Promise<string[]> {
  const deadline = Date.now() + limitMs
  for (;;) {
    const { members } = neighbours
    const has = await Promise.all(members.map(async member => (await neighbours.hasOurHead(member.peer)) && member))
    const delivered = has.filter(each => each !== false).map(({ certificate }) => certificate.name)
    if (delivered.length === members.length || Date.now() >= deadline) return delivered
    await pause(neighbours.sync(), Math.max(0, deadline - Date.now()))
    await sleep(200)
  }
}
