/** The benchmark's fleet: a controller and devices, each a process at its place, and what became of an update. */

import { readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './bench.ts'
import { BenchError } from './bench-error.ts'
import type { ControllerSettings, DeviceNews, News, Order, Published } from './controller.ts'
import type { Place } from './place.ts'
import { Program } from './program.ts'
import type { System } from './systems.ts'
import { Talk } from './talk.ts'

/** Where everyone listens, each at a place of its own; on loopback devices take other ports. */
export const controllerPort = 4460

export interface FleetOptions {
  /** A folder for everything, removed by whoever made it. */
  readonly directory: string
  /** Where the controller is. */
  readonly place: Place
  readonly bench: Pick<Bench, 'thymesh' | 'node'>
  /** The update policy of everything that is published. */
  readonly policy?: ControllerSettings['policy']
}

/** What else a device is started with. */
export interface DeviceExtras {
  readonly env?: NodeJS.ProcessEnv
  /** Of its settings file; options of the command line go before. */
  readonly settings?: object
}

export interface Update {
  /** From the head's going out until the device ran it. */
  readonly seconds: number
  readonly report: DeviceNews
  readonly published: Published
}

export class Device {
  readonly name: string
  readonly place: Place
  readonly program: Program
  /** Its multiaddr. */
  readonly listen: string
  readonly log: string
  readonly #root: string

  constructor(name: string, place: Place, program: Program, paths: { listen: string; root: string; log: string }) {
    this.name = name
    this.listen = paths.listen
    this.place = place
    this.program = program
    this.log = paths.log
    this.#root = paths.root
  }

  /** The top level that it runs. */
  async running(): Promise<string | undefined> {
    return await readlink(join(this.#root, 'run/current-system')).catch(() => undefined)
  }
}

export class BenchFleet {
  readonly controller: Program
  readonly devices: Device[] = []
  readonly #programs: Program[] = []
  readonly #options: FleetOptions
  readonly #talk: Talk<News>

  private constructor(options: FleetOptions) {
    const { directory, place, bench, policy } = options
    this.#options = options
    const settings: ControllerSettings = { directory, listen: `/ip4/${place.address}/tcp/${controllerPort}`, policy }
    const script = join(import.meta.dirname, 'controller.ts')
    // As the program is started on a controller, too.
    const { flags, env } = bench.node
    const argv = place.argv([process.execPath, ...flags, script, JSON.stringify(settings)])
    this.controller = new Program(argv, { log: join(directory, 'controller.log'), talks: true, env })
    this.#talk = new Talk(this.controller)
  }

  /** Starts the controller; devices come with `addDevice`. */
  static async start(options: FleetOptions): Promise<BenchFleet> {
    const fleet = new BenchFleet(options)
    try {
      await fleet.ready()
      return fleet
    } catch (thrown) {
      await fleet.stop()
      throw thrown
    }
  }

  /** The join token, and where the controller is. */
  async ready(): Promise<{ token: string; address: string }> {
    return await this.#wait('the controller to be ready', 180_000, news => ('ready' in news ? news.ready : undefined))
  }

  /** Starts a device's daemon and waits until the controller has admitted it. */
  async addDevice(
    name: string,
    place: Place,
    site?: string,
    mdns = false,
    { env, settings }: DeviceExtras = {},
  ): Promise<Device> {
    const { token, address } = await this.ready()
    const directory = join(this.#options.directory, name)
    const [root, log] = [join(directory, 'root'), join(this.#options.directory, `${name}.log`)]
    const listen = `/ip4/${place.address}/tcp/${controllerPort + 1 + this.devices.length}`
    const flags = ['--join', token, '--name', name, ...(mdns ? [] : ['--no-mdns']), ...(site ? ['--site', site] : [])]
    const paths = ['--state', join(directory, 'state'), '--store', root, '--root', root]
    if (settings !== undefined) {
      const file = join(this.#options.directory, `${name}.json`)
      await writeFile(file, JSON.stringify(settings))
      paths.push('--settings', file)
    }
    const mesh = ['--listen', listen, '--bootstrap', address]
    const argv = place.argv([...this.#options.bench.thymesh, 'node', ...flags, ...paths, ...mesh])
    const program = new Program(argv, { log, env })
    this.#programs.push(program)
    const admitted = (news: News) => 'admitted' in news && news.admitted === name && news.peer
    const peer = await this.#wait(`${name} to be admitted`, 180_000, admitted, log)
    const device = new Device(name, place, program, { listen: `${listen}/p2p/${peer}`, root, log })
    this.devices.push(device)
    return device
  }

  /** Publishes a system for all devices and waits until each runs it, when `onRun` is called, and has confirmed it. */
  async update(
    system: Pick<System, 'topLevel'>,
    limitMs: number,
    onRun = async () => {},
  ): Promise<Map<Device, Update>> {
    const published = await this.publish(system)
    const ended = this.devices.map(async device => {
      const seconds = (await this.runs(device, system.topLevel, limitMs)) - published.at
      await onRun()
      // Until it is confirmed, which takes its time whatever was moved.
      const report = await this.#wait(`${device.name}'s report`, 150_000, news =>
        reportOf(news, device, published.published),
      )
      return [device, { seconds: seconds / 1000, report, published }] as const
    })
    return new Map(await Promise.all(ended))
  }

  /** Publishes a system for all devices; for none, a release that names nothing, which is a new head all the same. */
  publish(system?: Pick<System, 'topLevel'>): Promise<Published> {
    const devices = system === undefined ? [] : this.devices
    return this.publishEach(new Map(devices.map(device => [device, system ?? { topLevel: '' }])))
  }

  /** Publishes a system for each device. */
  async publishEach(systems: ReadonlyMap<Device, Pick<System, 'topLevel'>>): Promise<Published> {
    const start = this.#talk.said.length
    const order: Order = { publish: Object.fromEntries([...systems].map(([{ name }, each]) => [name, each.topLevel])) }
    this.#talk.tell(order)
    return await this.#wait('the release', 120_000, (news, index) => index >= start && 'published' in news && news)
  }

  async stop(): Promise<void> {
    await Promise.all([this.controller, ...this.#programs].map(each => each.stop()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** When the device ran it, in milliseconds of the epoch; asks its disk, since reports take their time. */
  async runs(device: Device, topLevel: string, limitMs: number): Promise<number> {
    const deadline = Date.now() + limitMs
    while ((await device.running()) !== topLevel) {
      if (Date.now() > deadline || !device.program.running) {
        throw await this.#late(`${device.name} to run ${topLevel}`, limitMs, device.log)
      }
      await sleep(10)
    }
    return Date.now()
  }

  #wait<T>(
    what: string,
    limitMs: number,
    find: (news: News, index: number) => T | undefined | false,
    log?: string,
  ): Promise<T> {
    const findOrFail = (news: News, index: number) => {
      if ('failed' in news) throw new BenchError('failed', `the controller: ${news.failed}`)
      return find(news, index)
    }
    return this.#talk.wait(limitMs, findOrFail, () => this.#late(what, limitMs, log))
  }

  /** With the last that the device, or the controller, had to say. */
  async #late(what: string, limitMs: number, log = join(this.#options.directory, 'controller.log')) {
    const lines = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n')
    const end = lines.filter(line => !line.includes('"libp2p"')).slice(-15)
    return new BenchError('timeout', `waited ${limitMs / 1000} s for ${what}\n${end.join('\n')}`)
  }
}

function reportOf(news: News, device: Device, release: number): DeviceNews | undefined {
  if (!('report' in news) || news.device !== device.name || news.report.state !== 'running') return undefined
  return news.report.release === release && news.report.update?.release === release ? news.report : undefined
}
