/** `gossip`: how long a new head takes to every one of 50 peers that have about 6 connections each. */

import { setTimeout as sleep } from 'node:timers/promises'
import { arena, type Bench } from '../bench.ts'
import { Crowd } from '../crowd.ts'
import { BenchFleet } from '../fleet.ts'
import { loopbackOf } from '../place.ts'
import type { Result } from '../result.ts'

const peers = 50
const heads = 10
/** Each peer dials half of its connections. */
const dialled = 3
/** Between two heads: what was said about one is said before the next. */
const pauseMs = 2_000
/** After this a head has not come. */
const limitMs = 10_000

export function gossip(bench: Bench): Promise<Result> {
  return bench.with(async stack => {
    const { network, scratch } = await arena(stack)
    const place = loopbackOf(network)
    const { directory } = scratch
    const fleet = stack.use(await BenchFleet.start({ directory, place, bench }))
    const { token, address } = await fleet.ready()
    const crowd = stack.use(await Crowd.start({ count: peers, place, token, directory }))
    crowd.dial(randomDials([...crowd.addresses], address))
    const connections = await crowd.settle(1, 90_000)
    const mean = connections.reduce((sum, each) => sum + each, 0) / peers
    bench.say(`  ${peers} peers with ${mean.toFixed(1)} connections each`)
    const before = await crowd.cpuSeconds()
    const delays: number[] = []
    const lastDelays: number[] = []
    for (let head = 0; head < heads; head++) {
      const { published, at } = await fleet.publish()
      const deadline = Date.now() + limitMs
      while (crowd.trustedAt(published).length < peers && Date.now() < deadline) await sleep(50)
      const times = crowd.trustedAt(published).map(time => time - at)
      delays.push(...times)
      lastDelays.push(Math.max(...times))
      await sleep(pauseMs)
    }
    delays.sort((a, b) => a - b)
    const percentile = (of: number) => delays[Math.ceil(delays.length * of) - 1] ?? Number.POSITIVE_INFINITY
    return {
      case: 'gossip',
      bounds: [
        { what: `p99 of a head's way to ${peers} peers`, figure: percentile(0.99), unit: 'ms', goal: 300 },
        { what: `of ${peers * heads} times not reached`, figure: peers * heads - delays.length, unit: '', goal: 0 },
      ],
      peers: {},
      detail: {
        heads,
        p50: percentile(0.5),
        lastPeer: lastDelays,
        connections: { mean, least: Math.min(...connections), most: Math.max(...connections) },
        crowdCpuSeconds: (await crowd.cpuSeconds()) - before,
        counted: 'from before the controller signs until a peer has fetched, verified and kept the release',
      },
    }
  })
}

/** Each peer dials some others at random; a few dial the controller. */
function randomDials(peers: readonly [string, string][], controller: string): Record<string, string[]> {
  const dials: Record<string, string[]> = {}
  for (const [index, [name]] of peers.entries()) {
    const others = new Set<string>()
    // The one before it, so that all hang together.
    others.add(peers[(index + peers.length - 1) % peers.length]?.[1] ?? '')
    while (others.size < dialled) {
      const [other, address] = peers[Math.floor(Math.random() * peers.length)] ?? ['', '']
      if (other !== name) others.add(address)
    }
    dials[name] = index % Math.ceil(peers.length / (2 * dialled)) === 0 ? [...others, controller] : [...others]
  }
  return dials
}
