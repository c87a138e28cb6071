/** The bytes that a device receives to update from one system to another: all on its cable, from the release to its report. */

import { setTimeout as sleep } from 'node:timers/promises'
import { arena, type Bench } from './bench.ts'
import { BenchFleet, type Update } from './fleet.ts'
import { between, type Counters, endOf, shape, switchOf } from './place.ts'
import { freshPaths, type System } from './systems.ts'

export interface UpdateBytes {
  readonly freshPaths: number
  readonly wire: Counters
  readonly update: Update
  /** Of chunks, by the device's own count. */
  readonly chunkBytes: number
}

/** A device's way to its controller: on a narrow one bytes are what counts, so peers compress. */
const uplinkMbit = 100

/** For each of the two: a desktop is described in half a minute, and fetched in one or two. */
const limitMs = 600_000

/** How the bytes are counted, for a result's detail. */
export const countedOnTheCable =
  `the device's own veth interface (${uplinkMbit} Mbit/s), headers of Ethernet, IP and TCP included, from just before the release
until half a second after the device runs it`.replaceAll('\n', ' ')

/** Brings a device to `from` through the mesh, quickly, then measures its way to `to` over a narrow uplink. */
export function updateBytes(bench: Bench, from: System, to: System): Promise<UpdateBytes> {
  return bench.with(async stack => {
    const { network, scratch } = await arena(stack)
    const link = await network.attach()
    const device = endOf(link)
    const options = { directory: scratch.directory, place: switchOf(network), bench }
    const fleet = stack.use(await BenchFleet.start(options))
    // Of a site, so that the controller, which has none, is beyond an uplink.
    await fleet.addDevice('device-1', device, 'site-1')
    const [first] = (await fleet.update(from, limitMs)).values()
    bench.say(`  ${from.name} took ${first?.seconds.toFixed(1)} s`)
    await shape(network, link, uplinkMbit)
    // The last messages of the first update don't count for the second.
    await sleep(3_000)
    const before = await device.counters()
    let wire: Counters = { received: 0, sent: 0 }
    const [update] = (
      await fleet.update(to, limitMs, async () => {
        await sleep(500)
        wire = between(before, await device.counters())
      })
    ).values()
    if (update === undefined) throw new RangeError('expected an update of the one device')
    bench.say(`  ${to.name} took ${update.seconds.toFixed(1)} s`)
    const { fromControllers = 0, fromNeighbours = 0 } = update.report.update ?? {}
    return { freshPaths: freshPaths(from, to).length, wire, update, chunkBytes: fromControllers + fromNeighbours }
  })
}
