/** One device without anything fetches a whole system from a controller over loopback: time, CPU and memory of both. */

import { arena, type Bench } from './bench.ts'
import { BenchFleet, type Update } from './fleet.ts'
import { between, loopbackOf } from './place.ts'

export interface ColdFetch extends Update {
  /** Of the daemon, and of all that it starts together with it: Nix's daemons, mostly. */
  readonly daemonCpuSeconds: number
  readonly deviceCpuSeconds: number
  readonly controllerCpuSeconds: number
  /** The daemon's own, without the Nix daemons that it starts. */
  readonly peakBytes: number
  /** Over loopback, both ways together. */
  readonly wireBytes: number
}

/** Measured once for all cases that ask. */
export function coldFetch(bench: Bench): Promise<ColdFetch> {
  return bench.once('cold fetch', () =>
    bench.with(async stack => {
      const { v1 } = await bench.systems()
      const { network, scratch } = await arena(stack)
      const place = loopbackOf(network)
      const options = { directory: scratch.directory, place, bench }
      const fleet = stack.use(await BenchFleet.start(options))
      const { program } = await fleet.addDevice('device-1', place)
      const daemon = await program.ownCpuSeconds()
      const device = await program.cpuSeconds()
      const controller = await fleet.controller.cpuSeconds()
      const wire = await place.counters()
      const [update] = (await fleet.update(v1, 150_000)).values()
      if (update === undefined) throw new RangeError('expected an update of the one device')
      return {
        ...update,
        daemonCpuSeconds: (await program.ownCpuSeconds()) - daemon,
        deviceCpuSeconds: (await program.cpuSeconds()) - device,
        controllerCpuSeconds: (await fleet.controller.cpuSeconds()) - controller,
        peakBytes: (await program.memory()).peak,
        wireBytes: between(wire, await place.counters()).received,
      }
    }),
  )
}
