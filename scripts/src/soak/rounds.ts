/** Fetches in a loop: whole new closures and updates of them, by one device with a bulk lane and by one without. */

import type { BenchFleet, Device } from '../bench/fleet.ts'
import { Closures, type Kind } from './closures.ts'
import { connectionsOf } from './kernel.ts'
import { LogTail } from './log-tail.ts'

/** A new closure, and two updates of it. */
const kinds: readonly Kind[] = ['cold', 'update', 'update']
/** The one that devices run, and the one that they may go back to. */
const keptClosures = 2
/** For a fetch with all that it takes on a busy machine. */
const roundLimitMs = 300_000
/** What a daemon's log says then. */
const updateEnded = 'the update has ended'

export interface RoundsResult {
  readonly rounds: number
  readonly seconds: Readonly<Record<Kind, number>>
  /** Of each device: rounds after which it had a connection for chunks beside the mesh's. */
  readonly lanes: Readonly<Record<string, number>>
}

export class Rounds {
  readonly #fleet: BenchFleet
  readonly #port: number
  readonly #closures: Closures
  readonly #seconds: Record<Kind, number[]> = { cold: [], update: [] }
  readonly #lanes = new Map<Device, number>()
  #count = 0

  /** `port`: where the controller listens. `folder`: for closures until they are in the store. */
  constructor(fleet: BenchFleet, { port, folder }: { port: number; folder: string }) {
    this.#fleet = fleet
    this.#port = port
    this.#closures = new Closures(folder)
    for (const device of fleet.devices) this.#lanes.set(device, 0)
  }

  /** One more closure, until each device runs it and has committed it. Reports come later, and tell nothing more. */
  async next(): Promise<void> {
    const kind = kinds[this.#count % kinds.length] ?? 'cold'
    const { topLevel } = await this.#closures.make(kind)
    const devices = await Promise.all(
      this.#fleet.devices.map(async device => ({ device, tail: await LogTail.of(device.log) })),
    )
    const { at, published } = await this.#fleet.publish({ topLevel })
    const ended = devices.map(async ({ device, tail }) => {
      this.#seconds[kind].push(((await this.#fleet.runs(device, topLevel, roundLimitMs)) - at) / 1000)
      // Before it, old generations are not swept.
      const line = await tail.wait(({ msg, release }) => msg === updateEnded && release === published, roundLimitMs)
      if (line?.state !== 'committed') {
        throw new Error(`expected ${device.name} to commit release ${published}, got ${line?.state}`)
      }
      // A lane lasts as long as its session: a minute longer than anyone needs it.
      const toController = (await connectionsOf(device.program.pid)).filter(each => each.remotePort === this.#port)
      if (toController.length > 1) this.#lanes.set(device, (this.#lanes.get(device) ?? 0) + 1)
    })
    await Promise.all(ended)
    await this.#closures.forget(keptClosures)
    this.#count++
  }

  /** Removes what is left in the machine's store. */
  end(): Promise<void> {
    return this.#closures.forget(0)
  }

  get result(): RoundsResult {
    const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / (values.length || 1)
    return {
      rounds: this.#count,
      seconds: { cold: mean(this.#seconds.cold), update: mean(this.#seconds.update) },
      lanes: Object.fromEntries([...this.#lanes].map(([{ name }, count]) => [name, count])),
    }
  }
}
