/** A real systemd machine for tests: boots in seconds, keeps its disk across reboots and power cuts, leaves nothing. */

import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, statfsSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { makeCgroups, ownCgroups, removeCgroups } from '../../controller/rehearsal/cgroups.ts'
import { insidePath, Machine } from '../../controller/rehearsal/machine.ts'
import { poll } from '../helpers/until.ts'
import { labBase, labCache } from './base.ts'
import { LabError } from './errors.ts'
import type { LabLink, LabNetwork } from './network.ts'
import { ownPrefix, remainsIn, removeRemains } from './remains.ts'
import { mustSucceed, type RunResult, run } from './run.ts'

/** Seconds on an idle machine; two cores that also run other tests may need many more. */
const BOOT_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 120_000
const EXEC_TIMEOUT_MS = 120_000
const POLL_MS = 50

/** statfs(2)'s type of an overlay, whose directories can't be the writable side of another one. */
const OVERLAYFS = 0x794c7630

export interface LabHostOptions {
  /** Part of the host name, for messages; the rest makes it unique. */
  name?: string
  /** Directories of this computer that the machine sees; read-only unless said otherwise. */
  binds?: readonly { from: string; to: string; writable?: boolean }[]
  /** Files that are there at the first boot: absolute path → text. */
  files?: Readonly<Record<string, string>>
  /** Debian packages that it has beside those of every machine. */
  packages?: readonly string[]
  /** Rights that a machine of the lab hasn't by itself, such as CAP_NET_ADMIN. */
  capabilities?: readonly string[]
  /** The network to put the machine on; without one it has a loopback device only. */
  network?: LabNetwork
}

export interface ExecOptions {
  timeout?: number
  /** Added to a plain root environment; nothing of the test's own gets in. */
  env?: Readonly<Record<string, string>>
  input?: string | Uint8Array
}

let made = 0

/**
 * One machine. `start` makes and boots it for a test; `await using host = await LabHost.create()` makes one by hand.
 *
 * A power cut here kills all processes at once: what was never written is lost, with /run and /tmp, but the kernel
 * lives on, so a write without fsync survives. Tests of durability check the order of writes, not the disk's cache.
 */
export class LabHost {
  readonly name: string
  /** The machine's end of the network's cable, if it has a network. */
  readonly link: LabLink | undefined
  /** Where its disk lies on this computer. */
  readonly dir: string
  readonly #base: string
  readonly #nspawn: string[]
  #cgroups: string[] = []
  #machine: Machine | undefined

  private constructor(dir: string, base: string, options: LabHostOptions, link: LabLink | undefined) {
    made += 1
    this.name = `${options.name ?? 'host'}-${process.pid}-${made}`
    this.link = link
    this.dir = dir
    this.#base = base
    this.#nspawn = [
      ...(options.binds ?? []).map(({ from, to, writable }) => `--bind${writable ? '' : '-ro'}=${from}:${to}`),
      ...(options.capabilities ?? []).map(name => `--capability=${name}`),
    ]
  }

  /** Whether it is switched on; false also after a shutdown or reboot that came from inside. */
  get running(): boolean {
    return this.#machine?.running ?? false
  }

  /** A machine that is off. */
  static async create(options: LabHostOptions = {}): Promise<LabHost> {
    const base = await labBase(options.packages)
    const place = disk()
    await sweep(place)
    const link = await options.network?.attach()
    const host = new LabHost(mkdtempSync(join(place, ownPrefix)), base, options, link)
    for (const part of ['upper', 'work', 'root']) mkdirSync(join(host.dir, part))
    const files = {
      '/etc/hostname': `${host.name}\n`,
      '/etc/machine-id': `${randomUUID().replaceAll('-', '')}\n`,
      ...options.files,
    }
    for (const [path, text] of Object.entries(files)) {
      const file = join(host.dir, 'upper', path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    return host
  }

  /** A machine that has booted; it is gone at the test's end, however that comes. */
  static async start(t: TestContext, options: LabHostOptions = {}): Promise<LabHost> {
    const host = await LabHost.create(options)
    t.after(() => host[Symbol.asyncDispose]())
    await host.boot()
    return host
  }

  /** Switches the machine on and waits until its systemd has started everything, failed units included. */
  async boot(): Promise<void> {
    if (this.running) return
    await this.powerCut() // clears what a shutdown from inside has left
    this.#cgroups = makeCgroups(ownPrefix + this.name)
    const at = (part: string) => join(this.dir, part)
    this.#machine = new Machine({
      name: this.name,
      root: at('root'),
      overlays: [{ lower: this.#base, upper: at('upper'), work: at('work'), at: at('root') }],
      consoleLog: at('console.log'),
      cgroups: this.#cgroups,
      network: this.link?.path,
      nspawn: this.#nspawn,
    })
    await this.#booted()
  }

  /** Runs a program in the machine. A program that is missing there ends with code 127, one that a power cut ended 137. */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<RunResult> {
    const inside = this.#machine?.argv(argv)
    if (inside === undefined) {
      throw new LabError('not-running', `expected ${this.name} to run, it is off`, { hint: 'Call boot() first.' })
    }
    const env = {
      PATH: insidePath,
      HOME: '/root',
      LANG: 'C.UTF-8',
      ...options.env,
    }
    const timeoutMs = options.timeout ?? EXEC_TIMEOUT_MS
    return run(inside, { timeoutMs, env, input: options.input })
  }

  /** Runs a program in the machine that has to succeed; its standard output without the last newline. */
  async must(argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    return mustSucceed(argv, await this.exec(argv, options)).trimEnd()
  }

  /** One property of a unit, as `systemctl show` says it: `ActiveState`, `MainPID`, … */
  async unit(name: string, property: string): Promise<string> {
    return this.must(['systemctl', 'show', '--value', '-p', property, name])
  }

  /** Takes the power away: every process ends at once. The disk stays as it is; `boot` switches on again. */
  async powerCut(): Promise<void> {
    await this.#machine?.kill()
    this.#machine = undefined
    removeCgroups(this.#cgroups)
  }

  /** Shuts down in order. */
  async stop(): Promise<void> {
    await this.#down('poweroff')
  }

  /** Reboots in order and waits until the machine is up again. */
  async reboot(): Promise<void> {
    // nspawn with --keep-unit ends at a reboot too, and leaves the next start to us.
    await this.#down('reboot')
    await this.boot()
  }

  /** Ends the machine and removes its disk. Its network belongs to who made that. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerCut()
    await rm(this.dir, { recursive: true, force: true })
  }

  async #down(verb: 'poweroff' | 'reboot'): Promise<void> {
    // Its answer says nothing: it may be ended by the very shutdown that it asks for.
    await this.exec(['systemctl', verb])
    if (!(await this.#machine?.endsWithin(STOP_TIMEOUT_MS))) {
      throw new LabError('timeout', `expected ${this.name} to go down within ${STOP_TIMEOUT_MS} ms of ${verb}`)
    }
    await this.powerCut()
  }

  /** Waits until the machine's systemd has finished starting. */
  async #booted(): Promise<void> {
    let state = 'no systemd yet'
    const hasBooted = async () => {
      const now = await this.#machine?.bootState()
      state = now?.state ?? state
      return now?.started ?? false
    }
    const settled = async () => !this.#machine?.running || ((await hasBooted()) && 'booted')
    if ((await poll(settled, { limitMs: BOOT_TIMEOUT_MS, everyMs: POLL_MS })) === 'booted') return
    const console = this.#machine?.consoleTail()
    throw new LabError(
      'boot-failed',
      `expected ${this.name} to boot within ${BOOT_TIMEOUT_MS} ms: ${state}\n${console}`,
    )
  }
}

/** Where machines keep what they write: a place that can be the writable side of an overlay. */
function disk(): string {
  const places = [process.env.THYMESH_LAB_DIR ?? tmpdir(), labCache]
  const place = places.find(path => statfsSync(path).type !== OVERLAYFS)
  if (place !== undefined) return place
  throw new LabError('lab-missing', `expected ${places.join(' or ')} on a file system that an overlay can write to`, {
    hint: 'Set THYMESH_LAB_DIR to a directory on a disk or a tmpfs.',
  })
}

/** Removes what test processes that were killed have left; their machines have ended with them. */
async function sweep(place: string): Promise<void> {
  await removeRemains(place)
  for (const group of ownCgroups()) removeCgroups(remainsIn(group).map(name => join(group, name)))
}
