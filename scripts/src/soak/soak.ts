/**
 * A soak: closures are fetched in a loop in one fleet, and a connection of another fleet is silent meanwhile. Real daemons as they are shipped,
 * with Nix stores of their own, each fleet in a network of its own.
 */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { idleSwarmMs } from '../../../node/swarm/limits.ts'
import { arena, type Bench } from '../bench/bench.ts'
import { BenchFleet, controllerPort, type Device } from '../bench/fleet.ts'
import { endOf, loopbackOf, type Place, switchOf } from '../bench/place.ts'
import type { Scratch } from '../bench/scratch.ts'
import { Rounds } from './rounds.ts'
import { probeEnv, Samples } from './samples.ts'
import { Silence, type SilenceResult } from './silence.ts'
import { type Verdict, verdictOf } from './verdict.ts'

export interface SoakOptions {
  readonly minutes: number
  readonly bench: Bench
}

/** Samples of each process in the whole time, at most. */
const sampleCount = 12
/**
 * Nothing is fetched for this long before a sample: a session that nobody needs ends after a minute, with its lane and what it had open. Else a machine that becomes
 * faster would look like a daemon that leaks.
 */
const restMs = idleSwarmMs + 10_000
/** Fetches between two samples take at least this long: in five minutes, there are four samples. */
const leastFetchMs = 3_000

/** Quick to confirm; old generations go at once, and the store is swept once a minute. */
const policy = {
  health: { settleSeconds: 0 },
  confirm: { deadlineSeconds: 60, peers: 1 },
  keep: { generations: 1, days: 0 },
  gc: { cron: '* * * * *' },
} as const

/** Runs a soak; gives its verdict. Rejects when a fetch fails or a process ends. */
export function soak({ minutes, bench }: SoakOptions): Promise<Verdict> {
  return bench.with(async stack => {
    const { network, scratch } = await arena(stack)
    const { network: far } = await arena(stack)
    const busy = await Scene.start('busy', loopbackOf(network), { stack, scratch, bench })
    const quiet = await Scene.start('silent', switchOf(far), { stack, scratch, bench })
    const lane = await busy.add('lane', busy.place)
    // No second cache and no second page on one loopback.
    const stream = await busy.add('stream', busy.place, { lanes: false, cache: false, page: false })
    const silent = await quiet.add('silent', endOf(await far.attach()))
    const clock = { beganAt: performance.now(), endsAt: performance.now() + minutes * 60_000 }
    // What fails first ends the other, too.
    const ended = new AbortController()
    const failed = (thrown: unknown) => {
      ended.abort(thrown)
      throw thrown
    }
    bench.say(`  ${minutes} minutes of fetches, and as many of silence`)
    const [rounds, silence] = await Promise.all([
      fetches(busy, { clock, folder: await scratch.folder('closures'), say: bench.say, signal: ended.signal }).catch(
        failed,
      ),
      silenceOf(quiet, silent, { clock, signal: ended.signal }).catch(failed),
    ])
    const lanes = { expected: [lane.name], refused: [stream.name] }
    return verdictOf({ minutes, rounds, silence, lanes, processes: [...busy.samples, ...quiet.samples] })
  })
}

/** When the soak began and is to end, in milliseconds of `performance.now()`. */
interface Clock {
  readonly beganAt: number
  readonly endsAt: number
}

interface Running {
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Closures one after another, with rests and samples between them, until the time is over. */
async function fetches(
  scene: Scene,
  { clock, signal, folder, say }: Running & { folder: string; say: (line: string) => void },
) {
  const rounds = new Rounds(scene.fleet, { port: controllerPort, folder })
  const betweenMs = pauseOf(clock)
  try {
    for (let next = clock.beganAt + betweenMs; next <= clock.endsAt + 1; next += betweenMs) {
      do {
        await rounds.next()
        signal.throwIfAborted()
      } while (performance.now() < next - restMs)
      await sleep(restMs, undefined, { signal })
      const atMs = performance.now() - clock.beganAt
      await scene.sample(atMs)
      const memory = scene.samples.map(({ name, last }) => `${name} ${Math.round((last?.rssBytes ?? 0) / 2 ** 20)} MiB`)
      say(`  minute ${Math.round(atMs / 60_000)}: ${rounds.result.rounds} closures; ${memory.join(', ')}`)
    }
    return rounds.result
  } finally {
    await rounds.end()
  }
}

/** Nobody says anything until the time is over; samples are taken on sockets of their own. */
async function silenceOf(scene: Scene, device: Device, { clock, signal }: Running): Promise<SilenceResult> {
  const silence = await Silence.begin(scene.fleet, device)
  const betweenMs = pauseOf(clock)
  for (;;) {
    await scene.sample(performance.now() - clock.beganAt)
    const left = clock.endsAt - performance.now()
    if (left <= 0) return await silence.end()
    await sleep(Math.min(betweenMs, left), undefined, { signal })
  }
}

function pauseOf({ beganAt, endsAt }: Clock): number {
  return Math.max(restMs + leastFetchMs, (endsAt - beganAt) / sampleCount)
}

/** A fleet of the soak, each of whose processes is watched. */
class Scene {
  readonly fleet: BenchFleet
  readonly place: Place
  readonly samples: Samples[] = []
  readonly #directory: string

  private constructor(fleet: BenchFleet, place: Place, directory: string) {
    this.fleet = fleet
    this.place = place
    this.#directory = directory
  }

  static async start(
    name: string,
    place: Place,
    { stack, scratch, bench }: { stack: AsyncDisposableStack; scratch: Scratch; bench: Bench },
  ): Promise<Scene> {
    const directory = await scratch.folder(name)
    const socket = join(directory, 'controller.probe')
    const node = { flags: bench.node.flags, env: { ...bench.node.env, ...(await probeEnv(directory, socket)) } }
    const fleet = stack.use(
      await BenchFleet.start({ directory, place, policy, bench: { thymesh: bench.thymesh, node } }),
    )
    const scene = new Scene(fleet, place, directory)
    const program = fleet.controller
    scene.samples.push(new Samples({ name: `${name} controller`, program, socket, state: join(directory, 'home') }))
    return scene
  }

  /** A device at a site of its own: its chunks come from the controller, as deltas where it has a base. */
  async add(name: string, place: Place, settings: object = {}): Promise<Device> {
    const socket = join(this.#directory, `${name}.probe`)
    const device = await this.fleet.addDevice(name, place, name, false, {
      env: await probeEnv(this.#directory, socket),
      settings,
    })
    const folder = join(this.#directory, name)
    const [state, store] = [join(folder, 'state'), join(folder, 'root')]
    this.samples.push(new Samples({ name: `${name} device`, program: device.program, socket, state, store }))
    return device
  }

  async sample(atMs: number): Promise<void> {
    for (const each of this.samples) await each.take(atMs)
  }
}
