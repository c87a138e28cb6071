/** A network for machines of the lab: a bridge in a network namespace of its own, one cable to each machine. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { LabError } from './errors.ts'
import { mustRun, type RunResult, run } from './run.ts'

const PREFIX = '10.77.0'
/** Addresses of one bridge: .1 is the test's own, .255 the broadcast. */
const MAX_LINKS = 253
const COMMAND_TIMEOUT_MS = 60_000

/**
 * A switch. Nothing of it shows in the computer's own network, so every test process can use the same addresses.
 *
 * @example
 * await using network = await LabNetwork.create()
 * await using host = await LabHost.create({ network })
 * await host.link?.set('down')
 */
export class LabNetwork {
  /** The address of `exec`'s programs on the bridge. */
  readonly address = `${PREFIX}.1`
  readonly #switch: Namespace
  readonly #links: LabLink[] = []
  #made = 0

  private constructor(namespace: Namespace) {
    this.#switch = namespace
  }

  static async create(): Promise<LabNetwork> {
    const namespace = await Namespace.create()
    const network = new LabNetwork(namespace)
    try {
      await namespace.ip('link', 'set', 'lo', 'up')
      // Without snooping every multicast frame reaches every port: what mDNS needs where no router asks for members.
      await namespace.ip('link', 'add', 'bridge', 'type', 'bridge', 'mcast_snooping', '0')
      await namespace.ip('address', 'add', `${network.address}/24`, 'dev', 'bridge')
      await namespace.ip('link', 'set', 'bridge', 'up')
      return network
    } catch (thrown) {
      await network[Symbol.asyncDispose]()
      throw thrown
    }
  }

  /** Lays a cable to a new network namespace, with the next address; it lives on across its machine's reboots. */
  async attach(): Promise<LabLink> {
    this.#made += 1
    const number = this.#made
    if (number > MAX_LINKS) throw new LabError('command-failed', `expected at most ${MAX_LINKS} links on a LabNetwork`)
    const far = await Namespace.create()
    // Known before it works, so that it is removed also when one of the steps fails.
    const link = new LabLink(far, this.#switch, `port${number}`, `${PREFIX}.${number + 1}`)
    this.#links.push(link)
    const peer = ['peer', 'name', 'eth0', 'netns', String(far.pid)]
    await this.#switch.ip('link', 'add', link.port, 'type', 'veth', ...peer)
    await this.#switch.ip('link', 'set', link.port, 'master', 'bridge', 'up')
    await far.ip('link', 'set', 'lo', 'up')
    await far.ip('address', 'add', `${link.address}/24`, 'dev', 'eth0')
    await far.ip('link', 'set', 'eth0', 'up')
    return link
  }

  /** A port of the bridge for a virtual machine that runs on it, and the machine's address there. */
  async tap(): Promise<{ readonly name: string; readonly address: string; readonly mac: string }> {
    this.#made += 1
    const number = this.#made
    const name = `tap${number}`
    await this.#switch.ip('tuntap', 'add', name, 'mode', 'tap')
    await this.#switch.ip('link', 'set', name, 'master', 'bridge', 'up')
    return { name, address: `${PREFIX}.${number + 1}`, mac: `52:54:00:4c:00:${number.toString(16).padStart(2, '0')}` }
  }

  /** The command line that runs `argv` on the bridge, to be spawned by a test that needs a long-running program. */
  argv(argv: readonly string[]): string[] {
    return this.#switch.argv(argv)
  }

  /** Runs a program of this computer's on the bridge. */
  exec(argv: readonly string[], timeoutMs = COMMAND_TIMEOUT_MS): Promise<RunResult> {
    return run(this.argv(argv), { timeoutMs, env: process.env })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#links.map(link => link[Symbol.asyncDispose]()))
    await this.#switch.end()
  }
}

/** One machine's end of a cable: `eth0` with `address` in a namespace of its own. */
export class LabLink {
  readonly address: string
  /** The name of the bridge's end, for `tc` on it. */
  readonly port: string
  readonly #far: Namespace
  readonly #switch: Namespace

  constructor(far: Namespace, bridge: Namespace, port: string, address: string) {
    this.address = address
    this.port = port
    this.#far = far
    this.#switch = bridge
  }

  /** The namespace's file, as systemd-nspawn takes it. */
  get path(): string {
    return `/proc/${this.#far.pid}/ns/net`
  }

  /** Pulls the cable out or plugs it in, at the bridge's end: the machine sees its carrier go and come. */
  async set(state: 'up' | 'down'): Promise<void> {
    await this.#switch.ip('link', 'set', this.port, state)
  }

  /** The command line that runs `argv` at this end of the cable without a machine: cheap hosts, where no systemd is needed. */
  argv(argv: readonly string[]): string[] {
    return this.#far.argv(argv)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#far.end()
  }
}

/** A network namespace that a sleeping process keeps alive: it can't outlive the test process, whatever happens. */
export class Namespace {
  readonly #holder: ChildProcess
  readonly pid: number

  private constructor(holder: ChildProcess, pid: number) {
    this.#holder = holder
    this.pid = pid
  }

  static async create(): Promise<Namespace> {
    const hold = ['--pdeathsig', 'KILL', 'unshare', '--net', 'sh', '-c', 'echo ready; exec sleep infinity']
    const holder = spawn('setpriv', hold, { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(holder, 'exit')
    await Promise.race([once(holder.stdout, 'data'), ended])
    if (holder.pid === undefined || holder.exitCode !== null) {
      throw new LabError('lab-missing', 'expected unshare to make a network namespace, it refused', {
        hint: 'Run as root with CAP_SYS_ADMIN, on a kernel with network namespaces.',
      })
    }
    return new Namespace(holder, holder.pid)
  }

  argv(argv: readonly string[]): string[] {
    return ['nsenter', '-t', String(this.pid), '-n', ...argv]
  }

  async ip(...args: string[]): Promise<void> {
    await mustRun(this.argv(['ip', ...args]), { timeoutMs: COMMAND_TIMEOUT_MS, env: process.env })
  }

  async end(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return
    const ended = once(this.#holder, 'exit')
    this.#holder.kill('SIGKILL')
    await ended
  }
}
