/** A device of the lab: a real systemd machine with the daemon as its service and a Nix store of its own. */

import type { SettingsInput } from '../../node/settings/settings.ts'
import { until } from '../e2e/helpers/processes.ts'
import { BlockDisk } from './block-disk.ts'
import { LabDisk } from './disk.ts'
import { LabHost, type LabHostOptions } from './host.ts'
import type { LabNetwork } from './network.ts'
import { labProgram } from './program.ts'

/** A machine that boots, fetches and activates beside others on two cores. */
const PATIENCE_MS = 120_000
const LOG_LINES = 40

/** Seconds by which the machine's clock is off; not there when it is right. */
const clockFile = '/var/lib/lab/clock'

export interface LabDeviceOptions {
  name: string
  network: LabNetwork
  /** A join token. */
  token: string
  site?: string
  /** Settings of the daemon beside those that every device of the lab has. */
  settings?: SettingsInput
  /** The size of the disk that its Nix store and state are on; without it, this computer's. */
  diskMegabytes?: number
  /** How many files that disk takes. */
  diskInodes?: number
  /** Whether that disk loses at a power cut what was not synced: see {@link BlockDisk}. */
  blockDisk?: boolean
  /** More files that are there at the first boot. */
  files?: Readonly<Record<string, string>>
  /** Directories of this computer that it sees beside its program. */
  binds?: LabHostOptions['binds']
  /** Debian packages that it has beside those of every machine. */
  packages?: readonly string[]
  /** Rights that a machine of the lab hasn't by itself. */
  capabilities?: readonly string[]
}

/** The daemon's unit, where a package would put it, so that a release may put its own over it. */
export function daemonUnit(argv: readonly string[], environment: readonly string[] = []): string {
  return `[Unit]
Description=Thymesh
[Service]
ExecStart=${argv.join(' ')} node --settings /var/lib/lab/node.json
Environment=THYMESH_CLOCK_FILE=${clockFile}
${environment.map(each => `Environment=${each}\n`).join('')}Restart=always
RestartSec=1
TimeoutStopSec=20
`
}

/**
 * @example
 * const device = await LabDevice.create({ name: 'gate', network, token })
 * t.after(() => device[Symbol.asyncDispose]())
 * await device.host.boot()
 * await device.runs(topLevel)
 */
export class LabDevice {
  readonly name: string
  readonly host: LabHost
  readonly disk: LabDisk | undefined

  private constructor(name: string, host: LabHost, disk: LabDisk | undefined) {
    this.name = name
    this.host = host
    this.disk = disk
  }

  /** A device that is off. */
  static async create(options: LabDeviceOptions): Promise<LabDevice> {
    const { name, network, token, site, diskMegabytes } = options
    const program = await labProgram()
    const settings: SettingsInput = {
      log: 'debug',
      cache: false,
      ...options.settings,
      join: { token, name, ...(site !== undefined && { site }) },
    }
    const unit = 'thymesh.service'
    const kind = options.blockDisk ? BlockDisk : LabDisk
    const disk = diskMegabytes === undefined ? undefined : await kind.create(diskMegabytes, options.diskInodes)
    const host = await LabHost.create({
      name,
      network,
      binds: [
        ...program.binds,
        ...(disk?.binds({ nix: '/nix', state: '/var/lib/thymesh' }) ?? []),
        ...(options.binds ?? []),
      ],
      files: {
        '/var/lib/lab/node.json': JSON.stringify(settings),
        [`/usr/lib/systemd/system/${unit}`]: daemonUnit(program.argv),
        [`/usr/lib/systemd/system/multi-user.target.d/${unit}.conf`]: `[Unit]\nWants=${unit}\n`,
        ...options.files,
      },
      ...(options.packages && { packages: options.packages }),
      ...(options.capabilities && { capabilities: options.capabilities }),
    })
    return new LabDevice(name, host, disk)
  }

  /** The top level that runs by the machine's own word; nothing before the first activation, or while it is off. */
  async running(): Promise<string | undefined> {
    if (!this.host.running) return undefined
    const { code, stdout } = await this.host.exec(['readlink', '/run/current-system'])
    return code === 0 ? stdout.trim() : undefined
  }

  /** Waits until it runs this top level. */
  async runs(topLevel: string): Promise<void> {
    await this.until(`to run ${topLevel}`, async () => (await this.running()) === topLevel)
  }

  /** Sets its clock so many seconds off; 0 sets it right. Files and the journal keep the computer's time. */
  async moveClock(seconds: number): Promise<void> {
    await this.host.must(['sh', '-c', `cat >${clockFile}`], { input: String(seconds) })
  }

  /** Waits for something of this device; what it logged last is in the error. */
  async until<T>(what: string, ask: () => Promise<T | undefined | false>, limitMs = PATIENCE_MS): Promise<T> {
    return await until(`${this.name} ${what}`, ask, { limitMs, everyMs: 200, explain: () => this.lastLines() })
  }

  /** How many lines of the daemon's log have these words, or match. */
  async countLogged(words: string | RegExp): Promise<number> {
    return (await this.log())
      .split('\n')
      .filter(line => (typeof words === 'string' ? line.includes(words) : words.test(line))).length
  }

  /** Waits until the daemon has logged more than `before` lines with these words: one that is new. */
  async logged(words: string | RegExp, before: number): Promise<void> {
    await this.until(`to log ${words}`, async () => (await this.countLogged(words)) > before)
  }

  /** All that the daemon has logged since the machine has its disk. */
  async log(): Promise<string> {
    if (!this.host.running) return ''
    const { stdout } = await this.host.exec(['journalctl', '-o', 'cat', '--no-pager', '-u', 'thymesh.service'])
    return stdout
  }

  /** The end of its log, for messages. */
  async lastLines(): Promise<string> {
    const lines = (await this.log().catch(() => '')).split('\n').filter(line => !line.includes('"libp2p"'))
    return `log of ${this.name}:\n${lines.slice(-LOG_LINES).join('\n')}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]()
    await this.disk?.[Symbol.asyncDispose]()
  }
}
