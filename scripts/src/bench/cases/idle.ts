/**
 * `idle`: what a daemon with 20 admitted peers takes when nothing happens: memory, bytes on the wire, CPU. `idle-lan`: the
 * same for peers that look for each other by mDNS.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { arena, type Bench } from '../bench.ts'
import { Crowd } from '../crowd.ts'
import { BenchFleet } from '../fleet.ts'
import { between, endOf, switchOf } from '../place.ts'
import type { Result } from '../result.ts'

/** Beside the controller, which is the 20th. */
const peers = 19
/** Joining is over, with its garbage and what sync and gossip still had to say. */
const settleMs = 60_000
const measureMs = 60_000
/** Queries by mDNS come ever more rarely, so they are counted for longer, and later. */
const lan = { mdns: true, settleMs: 4 * 60_000, measureMs: 4 * 60_000 }

const MiB = 1 << 20

export function idle(bench: Bench): Promise<Result> {
  return measured(bench, 'idle', { mdns: false, settleMs, measureMs })
}

export function idleLan(bench: Bench): Promise<Result> {
  return measured(bench, 'idle-lan', lan)
}

function measured(bench: Bench, name: string, { mdns, settleMs, measureMs }: typeof lan): Promise<Result> {
  return bench.with(async stack => {
    const { network, scratch } = await arena(stack)
    const far = switchOf(network)
    const { directory } = scratch
    const fleet = stack.use(await BenchFleet.start({ directory, place: far, bench }))
    const { token } = await fleet.ready()
    const place = endOf(await network.attach())
    const { program, listen } = await fleet.addDevice('device-1', place, undefined, mdns)
    const crowd = stack.use(await Crowd.start({ count: peers, place: far, token, directory, mdns }))
    // Each with each: what one of them tells all it knows is then spread over all, as in a grown mesh.
    const all = [...crowd.addresses.values()]
    crowd.dial(
      Object.fromEntries([...crowd.addresses.keys()].map((name, index) => [name, [listen, ...all.slice(0, index)]])),
    )
    await crowd.settle(peers, 180_000)
    await sleep(settleMs)
    const before = { wire: await place.counters(), cpu: await program.cpuSeconds(), at: performance.now() }
    await sleep(measureMs)
    const seconds = (performance.now() - before.at) / 1000
    const wire = between(before.wire, await place.counters())
    const cpu = (await program.cpuSeconds()) - before.cpu
    const memory = await program.memory()
    return {
      case: name,
      bounds: [
        { what: 'RSS of a daemon with 20 admitted peers', figure: memory.now / MiB, unit: 'MiB', goal: 64 },
        {
          what: 'on the wire, both ways',
          figure: (wire.received + wire.sent) / seconds,
          unit: 'B/s',
          goal: mdns ? 300 : 1000,
        },
        { what: 'CPU, of a core', figure: (cpu / seconds) * 100, unit: '%', goal: 1 },
      ],
      peers: {},
      detail: {
        seconds,
        wire,
        peakMiB: memory.peak / MiB,
        node: bench.node,
        counted: "the device's own veth interface, headers included; VmRSS and /proc/stat of the daemon",
      },
    }
  })
}
