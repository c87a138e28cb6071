/** A fleet of real processes on this machine: an operator with a project, and devices with a Nix store each. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { compileCache } from '../../helpers/program.ts'
import { assertContract } from './contract.ts'
import { Device } from './device.ts'
import { type Ended, freePort, type RunOptions, runThymesh, runToEnd } from './processes.ts'

/** The fields of `--json` that the tests read. */
export interface Row {
  device: string
  release: number | null
  running: string | null
  wanted: number | null
  state: string
  error: { code: string; message: string } | null
  update: ReportedUpdate | null
}
interface ReportedUpdate {
  release: number
  needed: number
  fromControllers: number
  fromNeighbours: number
  bytesPerSecond: number
  secondsLeft?: number
}
export interface RolloutJson {
  release: number
  complete: boolean
  restores: number | null
  holders: string[]
  failed: string[]
  devices: Row[]
}
export interface ErrorJson {
  error: { code: string; message: string; hint: string | null }
}

/**
 * The operator's store has a root of its own too, so that nothing stays in this machine's. There Nix builds in its
 * sandbox, where the builders' tools have to be let in.
 */
const nixConfig = `
extra-sandbox-paths = /bin /usr /lib${process.arch === 'x64' ? ' /lib64' : ''}
build-users-group =
substitute = false
`

/** Where the operator is: on loopback, or on a network of the lab with that address. */
export interface Place {
  host?: string
  through?: RunOptions['through']
}

export class Fleet {
  readonly directory: string
  readonly project: string
  readonly env: NodeJS.ProcessEnv
  /** Where the operator's commands run; another network's, when a test has taken the operator there. */
  through: RunOptions['through']
  readonly #host: string
  readonly #port: number
  readonly #devices = new Map<string, Device>()
  readonly #undo: (() => Promise<unknown>)[] = []

  private constructor(directory: string, port: number, place: Place) {
    this.directory = directory
    this.#host = place.host ?? '127.0.0.1'
    this.through = place.through
    this.project = join(directory, 'project')
    this.#port = port
    this.env = {
      PATH: process.env.PATH,
      HOME: directory,
      ...compileCache,
      TMPDIR: directory,
      THYMESH_HOME: this.home,
      NIX_CONFIG: nixConfig,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'e2e',
      GIT_AUTHOR_EMAIL: 'e2e@localhost',
      GIT_COMMITTER_NAME: 'e2e',
      GIT_COMMITTER_EMAIL: 'e2e@localhost',
    }
  }

  /** An empty folder; `found` makes the fleet, and a test's `after` calls `remove`, which removes all of it. */
  static async prepare(place: Place = {}): Promise<Fleet> {
    return new Fleet(await realpath(await mkdtemp(join(tmpdir(), 'thymesh-e2e-'))), await freePort(), place)
  }

  /** `thymesh init`, and the devices that are declared beside the sample's `first`. */
  async found(...devices: string[]): Promise<void> {
    const place = ['--listen', this.address, '--bootstrap', this.address, '--no-mdns', '--store', this.store]
    await this.json('init', '.', '--name', 'trial', '--no-passphrase', ...place)
    const files = devices.map(name => [`devices/${name}.json`, { config: 'hello' }] as const)
    if (files.length > 0) await this.commit('Declare devices', Object.fromEntries(files))
  }

  get home(): string {
    return join(this.directory, 'home')
  }

  /** The root of the operator's Nix store. */
  get store(): string {
    return join(this.directory, 'operator')
  }

  get address(): string {
    return `/ip4/${this.#host}/tcp/${this.#port}`
  }

  /** A device, not started; the same one for the same name. */
  async device(name: string, init: { directory?: string } = {}): Promise<Device> {
    const known = this.#devices.get(name)
    if (known !== undefined) return known
    const directory = init.directory ?? join(this.directory, name)
    const device = new Device(name, { directory, port: await freePort(), env: this.env })
    this.#devices.set(name, device)
    return device
  }

  /** Runs `thymesh` in the project to its end, whatever that is. */
  async run(...args: string[]): Promise<Ended> {
    return await this.runWith({}, ...args)
  }

  async runWith(
    options: { env?: NodeJS.ProcessEnv; cwd?: string; onStart?: (child: ChildProcess) => void; limitMs?: number },
    ...args: string[]
  ): Promise<Ended> {
    await mkdir(this.project, { recursive: true })
    const { cwd = this.project, env, onStart, limitMs } = options
    const { through } = this
    const more = { ...(onStart && { onStart }), ...(through && { through }), ...(limitMs && { limitMs }) }
    const ended = await runThymesh(args, { cwd, env: { ...this.env, ...env }, ...more })
    // What is killed may have said half of it.
    if (args.includes('--json') && ended.code !== null) assertContract(args, ended.stdout)
    return ended
  }

  /** The one object that a command with `--json` prints. It must end with exit code 0. */
  async json<T = RolloutJson>(...args: string[]): Promise<T> {
    const ended = await this.run(...args, '--json')
    assert.equal(ended.code, 0, `thymesh ${args.join(' ')}: ${ended.stdout}${ended.stderr}${await this.logs()}`)
    return JSON.parse(ended.stdout) as T
  }

  /** The error of a command that must fail, which its standard output holds as one JSON object and nothing else. */
  async error(...args: string[]): Promise<ErrorJson['error']> {
    const ended = await this.run(...args, '--json')
    assert.equal(ended.code, 1, `thymesh ${args.join(' ')}: ${ended.stdout}${ended.stderr}`)
    return (JSON.parse(ended.stdout) as ErrorJson).error
  }

  /** A join token, for devices of any name if none is given. */
  async token(...flags: string[]): Promise<string> {
    const names = flags.includes('--names') ? [] : ['--names', '*']
    return (await this.json<{ token: string }>('token', ...names, ...flags)).token
  }

  /** Writes files, objects as JSON; `undefined` removes one. */
  async write(files: Record<string, string | object | undefined>): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      const file = join(this.project, name)
      await mkdir(dirname(file), { recursive: true })
      if (content === undefined) await rm(file, { force: true })
      else await writeFile(file, typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`)
    }
  }

  async commit(message: string, files: Record<string, string | object | undefined> = {}): Promise<void> {
    await this.write(files)
    await this.git('add', '-A')
    await this.git('commit', '-qm', message)
  }

  async git(...args: string[]): Promise<string> {
    const ended = await runToEnd('git', args, { cwd: this.project, env: this.env })
    assert.equal(ended.code, 0, `git ${args.join(' ')}: ${ended.stdout}${ended.stderr}`)
    return ended.stdout
  }

  /** The last lines of all devices' logs. */
  async logs(): Promise<string> {
    const logs = await Promise.all([...this.#devices.values()].map(device => device.lastLines()))
    return `\n${logs.join('\n')}`
  }

  /** Something to be undone before the folder goes, such as a mount. */
  onRemove(undo: () => Promise<unknown>): void {
    this.#undo.push(undo)
  }

  /** Ends all processes and removes everything. */
  async remove(): Promise<void> {
    await Promise.all([...this.#devices.values()].map(device => device.kill()))
    for (const undo of this.#undo.reverse()) await undo()
    // A store's files are read-only, which stops everyone but root.
    const place = { cwd: tmpdir(), env: this.env }
    await runToEnd('chmod', ['-R', 'u+w', this.directory], place)
    await rm(this.directory, { recursive: true, force: true })
  }
}
