/** A device of a fleet under test: its daemon as a process, and its disk as the daemon leaves it. */

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { mkdir, readdir, readFile, readlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Daemon, type Ended, runThymesh, until } from './processes.ts'

/** One line of a daemon's log, as pino writes it. */
export interface LogLine {
  level: number
  msg: string
  reason?: string
  /** Of a peer. */
  name?: string
  secondsLeft?: number
}

const logLines = 30

export class Device {
  readonly name: string
  readonly #directory: string
  readonly #port: number
  readonly #env: NodeJS.ProcessEnv
  #daemon: Daemon | undefined

  constructor(name: string, init: { directory: string; port: number; env: NodeJS.ProcessEnv }) {
    this.name = name
    this.#directory = init.directory
    this.#port = init.port
    this.#env = init.env
  }

  /** The folder that is `/` on a real device. */
  get root(): string {
    return join(this.#directory, 'root')
  }

  /** What is /var/lib/thymesh on a real device. */
  get state(): string {
    return join(this.#directory, 'state')
  }

  get address(): string {
    return `/ip4/127.0.0.1/tcp/${this.#port}`
  }

  get #logFile(): string {
    return join(this.#directory, 'log')
  }

  /** Flags of its daemon; `--join` and `--name` are needed the first time. */
  flags(token?: string): string[] {
    const at = (name: string) => join(this.#directory, name)
    const place = ['--state', at('state'), '--store', at('root'), '--root', at('root'), '--listen', this.address]
    return [...(token === undefined ? [] : ['--join', token, '--name', this.name]), ...place, '--no-mdns']
  }

  start(token?: string, ...more: string[]): void {
    assert.notEqual(this.#daemon?.running, true, `${this.name} runs already`)
    mkdirSync(this.root, { recursive: true })
    const options = { cwd: '/', env: this.#env, logFile: this.#logFile }
    this.#daemon = new Daemon([...this.flags(token), '--log', 'debug', ...more], options)
  }

  /** Runs the daemon where it is expected to end by itself. */
  async refuse(token: string | undefined, ...more: string[]): Promise<Ended> {
    await mkdir(this.root, { recursive: true })
    return await runThymesh(['node', ...this.flags(token), ...more], { cwd: '/', env: this.#env })
  }

  get daemon(): Daemon {
    assert.ok(this.#daemon, `${this.name} was never started`)
    return this.#daemon
  }

  /** Ends it in order; resolves to its exit code. */
  async stop(): Promise<unknown> {
    return await this.daemon.end('SIGTERM')
  }

  async kill(): Promise<void> {
    if (this.#daemon?.running) await this.#daemon.end('SIGKILL')
  }

  /** The top level that `/run/current-system` names; nothing before the first activation. */
  async running(): Promise<string | undefined> {
    return await readlink(join(this.root, 'run/current-system')).catch(() => undefined)
  }

  /** A file that its system has put into /etc. */
  async etc(name: string): Promise<string> {
    return await readFile(join(this.root, (await this.running()) ?? 'none', 'etc', name), 'utf8')
  }

  /** Where a path of the device lies on this machine: its links lead to what they name on the device. */
  async at(path: string): Promise<string> {
    let found = '/'
    const left = path.split('/')
    for (let links = 0; left.length > 0; ) {
      const next = resolve(found, left.shift() ?? '')
      const target = await readlink(join(this.root, next)).catch(() => undefined)
      if (target === undefined) found = next
      else {
        assert.ok(++links < 40, `${path} of ${this.name} leads nowhere`)
        left.unshift(...resolve(found, target).split('/'))
        found = '/'
      }
    }
    return join(this.root, found)
  }

  /** A file as a program on the device would read it. */
  async read(path: string): Promise<string> {
    return await readFile(await this.at(path), 'utf8')
  }

  /** Waits until its disk says that it runs this top level. */
  async runs(topLevel: string): Promise<void> {
    const explain = async () => `${await this.running()} runs; ${await this.lastLines()}`
    await until(`${this.name} to run ${topLevel}`, async () => (await this.running()) === topLevel, { explain })
  }

  /** Waits until its log, from the last `skip` lines on, says that it has confirmed an update: a switch is only the way there. */
  async confirmed(skip = 0): Promise<void> {
    await this.logged('that it has confirmed', line => line.msg === 'the update has ended', skip)
  }

  /** Names in its store that end like this, whole paths or what is left of them. */
  async inStore(suffix: string): Promise<string[]> {
    const names = await readdir(join(this.root, 'nix/store')).catch(() => [])
    return names.filter(name => name.endsWith(suffix))
  }

  /** Waits until the log, from the last `skip` lines on, has a line that fits. */
  async logged(what: string, fits: (line: LogLine) => boolean, skip = 0): Promise<LogLine> {
    const look = async () => (await this.logLines()).slice(skip).find(fits)
    return await until(`${this.name} to log ${what}`, look, { explain: () => this.lastLines() })
  }

  async logLines(): Promise<LogLine[]> {
    const text = await readFile(this.#logFile, 'utf8').catch(() => '')
    return text.split('\n').flatMap(line => {
      try {
        return [JSON.parse(line) as LogLine]
      } catch {
        return []
      }
    })
  }

  /** The end of its log, for the message of a failed test. */
  async lastLines(): Promise<string> {
    const text = await readFile(this.#logFile, 'utf8').catch(() => '')
    const lines = text.split('\n').filter(line => !line.includes('"libp2p"'))
    return `log of ${this.name}:\n${lines.slice(-logLines).join('\n')}`
  }
}
