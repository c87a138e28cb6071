/** The real CLI as processes of its own: commands that run to their end, and daemons that are ended by their IDs. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { main, nodeFlags } from '../../helpers/program.ts'
import { poll } from '../../helpers/until.ts'

/** No command of these tests takes a twentieth of this on an idle machine. */
const commandLimitMs = 360_000
/** The limit of a wait for something that takes a second, for a loaded machine. */
export const patienceMs = 300_000

const alive = new Set<ChildProcess>()
// Also when the test runner is interrupted, and `after` never comes.
process.once('SIGTERM', () => process.exit(143))
process.once('SIGINT', () => process.exit(130))
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  cwd: string
  env: NodeJS.ProcessEnv
  /** Called with the process once it runs. */
  onStart?: (child: ChildProcess) => void
  /** The command line that runs a program somewhere else, such as in another network. */
  through?: (argv: readonly string[]) => string[]
  /** Instead of what is enough for all commands that need not wait for a machine to boot. */
  limitMs?: number
}

function start(file: string, args: readonly string[], options: RunOptions, stdio: ('ignore' | 'pipe' | number)[]) {
  const child = spawn(file, args, { cwd: options.cwd, env: options.env, stdio })
  alive.add(child)
  child.once('exit', () => alive.delete(child))
  return child
}

/** Runs a program to its end, which a failure is too; one that takes too long is killed and rejects. */
export async function runToEnd(file: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const child = start(file, args, options, ['ignore', 'pipe', 'pipe'])
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  options.onStart?.(child)
  let late: string | undefined
  const timer = setTimeout(() => {
    late = threadsOf(child.pid)
    child.kill('SIGKILL')
  }, options.limitMs ?? commandLimitMs)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    if (late !== undefined) {
      throw new Error(`${args.join(' ')} did not end:\n${output.stdout}${output.stderr}\n${late}`)
    }
    return { code, ...output }
  } finally {
    clearTimeout(timer)
  }
}

/** Where each thread waits: the event loop in `ep_poll`, an exit that hangs in `futex_…`. */
function threadsOf(pid = 0): string {
  try {
    const text = (id: string, name: string) => readFileSync(`/proc/${pid}/task/${id}/${name}`, 'utf8').trim()
    return readdirSync(`/proc/${pid}/task`)
      .map(id => `${text(id, 'comm')}: ${text(id, 'wchan')}`)
      .join('\n')
  } catch {
    return ''
  }
}

/** `thymesh` with these arguments. */
export function runThymesh(args: readonly string[], options: RunOptions): Promise<Ended> {
  const argv = [process.execPath, ...nodeFlags, main, ...args]
  const [file = '', ...rest] = options.through?.(argv) ?? argv
  return runToEnd(file, rest, options)
}

/** The daemon of a device, or another command that runs until it is ended; its log goes to a file. */
export class Daemon {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | NodeJS.Signals | null>
  readonly #logFile: string

  constructor(args: readonly string[], options: RunOptions & { logFile: string; command?: string }) {
    const log = openSync(options.logFile, 'a')
    this.#logFile = options.logFile
    const argv = [process.execPath, ...nodeFlags, main, options.command ?? 'node', ...args]
    const [file = '', ...rest] = options.through?.(argv) ?? argv
    this.#child = start(file, rest, options, ['ignore', log, log])
    this.#ended = new Promise(resolve => this.#child.once('exit', (code, signal) => resolve(code ?? signal)))
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Sends a signal, and to a daemon that was frozen too. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends it by a signal, at last by SIGKILL; resolves to its exit code, or the signal that it ended by. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | NodeJS.Signals | null> {
    this.#child.kill(signal)
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs)
    const ended = await this.#ended
    clearTimeout(timer)
    return ended
  }

  log(): Promise<string> {
    return readFile(this.#logFile, 'utf8')
  }
}

/** Asks until there is an answer; rejects with what was waited for, and `explain`'s text, when none comes. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  options: { limitMs?: number; everyMs?: number; explain?: () => Promise<string> } = {},
): Promise<T> {
  const { limitMs = patienceMs, everyMs = 50 } = options
  const answer = await poll(ask, { limitMs, everyMs })
  if (answer !== undefined) return answer
  throw new Error(`waited ${limitMs / 1000} s for ${what}\n${(await options.explain?.()) ?? ''}`)
}

/** A TCP port that is free on loopback, below those that the kernel gives to outgoing connections. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = 15_000 + Math.floor(Math.random() * 17_000)
    if (!taken.has(port) && (await canListen(port))) {
      taken.add(port)
      return port
    }
  }
  assert.fail('expected a free TCP port on loopback')
}

const taken = new Set<number>()

function canListen(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise(resolve => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
