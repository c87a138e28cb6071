/** What tests of peers behind NATs ask of two of them. */

import type { NatWays } from './nat-peer.ts'
import type { NatProcess } from './nat-process.ts'
import { until } from './until.ts'

/** Far longer than anything takes, also beside other tests. */
export const natLimitMs = 180_000

/** Waits until peers are connected to at least two hubs. */
export async function atHubs(...peers: readonly NatProcess[]): Promise<void> {
  const isThere = async (peer: NatProcess) => (await peer.ask<NatWays>({ do: 'ways' })).hubs.length >= 2
  for (const peer of peers) await until(() => isThere(peer), 'a peer to be at two hubs', natLimitMs)
}

/** The two connect through a hub, unless they are connected, and come to have one connection of this way. */
export async function meet(a: NatProcess, b: NatProcess, way: RegExp): Promise<void> {
  const isSo = async (from: NatProcess, to: NatProcess) => {
    const ways = await from.ways(to)
    return ways.length === 1 && way.test(ways[0] ?? '')
  }
  const areSo = async () => {
    if ((await a.ways(b)).length === 0) await a.ask({ do: 'dial', peer: b.peer })
    return (await isSo(a, b)) && (await isSo(b, a))
  }
  await until(areSo, `the two to meet in the way ${way}`, natLimitMs).catch(async error => {
    throw new Error(`${error.message}: ${await a.ways(b)}; ${await b.ways(a)}`)
  })
}

/** Whether a ping is answered. */
export async function answers(from: NatProcess, to: NatProcess): Promise<boolean> {
  return await from.ask({ do: 'ping', peer: to.peer }).then(
    () => true,
    () => false,
  )
}

/** When a peer's newest connection to another one was opened, in milliseconds since 1970. */
export async function since(peer: NatProcess, to: NatProcess): Promise<number | undefined> {
  return (await peer.ask<NatWays>({ do: 'ways' })).since[to.peer]
}
