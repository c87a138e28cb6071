/** The benchmark's processes: started where a place says, counted with all that they start, ended by their process IDs. */

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { BenchError } from './bench-error.ts'

/** They end with the benchmark, also when it is killed. */
const leashed = (argv: readonly string[]) => ['setpriv', '--pdeathsig', 'KILL', ...argv] as const

/** Linux's USER_HZ, in which /proc counts; the same on all of Node's platforms. */
const ticksPerSecond = 100

export interface ProgramOptions {
  /** Where its output goes; nowhere by default. */
  readonly log?: string
  readonly env?: NodeJS.ProcessEnv
  /** Whether its standard input and output are pipes to us; the log has its standard error only, then. */
  readonly talks?: boolean
}

/** A process that runs until it is stopped. */
export class Program {
  readonly child: ChildProcess
  readonly #argv: readonly string[]

  constructor(argv: readonly string[], { log, env, talks = false }: ProgramOptions = {}) {
    this.#argv = argv
    const [file, ...args] = leashed(argv)
    const output = log === undefined ? ('ignore' as const) : openSync(log, 'a')
    const stdio = talks ? (['pipe', 'pipe', output] as const) : (['ignore', output, output] as const)
    this.child = spawn(file, args, { env: { ...process.env, ...env }, stdio: [...stdio] })
    if (typeof output === 'number') closeSync(output)
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new BenchError('not-started', `expected to start ${this.#argv.join(' ')}`)
    return this.child.pid
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Seconds of CPU so far, of it and of all that it started. */
  async cpuSeconds(): Promise<number> {
    const processes = await allProcesses()
    let ticks = 0
    const family = new Set([this.pid])
    for (const pid of family) {
      const process = processes.get(pid)
      ticks += process?.ticks ?? 0
      for (const [child, { parent }] of processes) if (parent === pid) family.add(child)
    }
    return ticks / ticksPerSecond
  }

  /** Seconds of CPU so far of the process alone: without its Nix daemons, of a device. */
  async ownCpuSeconds(): Promise<number> {
    return ((await allProcesses()).get(this.pid)?.own ?? 0) / ticksPerSecond
  }

  /** Resident bytes of the process itself: `now`, and the `peak` so far. */
  async memory(): Promise<{ now: number; peak: number }> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8')
    const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
    return { now: bytes('VmRSS'), peak: bytes('VmHWM') }
  }

  /** SIGTERM, and SIGKILL to one that doesn't end by itself. */
  async stop(): Promise<void> {
    if (!this.running) return
    const ended = new Promise<void>(resolve => this.child.once('exit', () => resolve()))
    this.child.kill('SIGTERM')
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(timer)
  }

  /** SIGKILL: as a machine that loses its power. */
  async kill(): Promise<void> {
    if (!this.running) return
    const ended = new Promise<void>(resolve => this.child.once('exit', () => resolve()))
    this.child.kill('SIGKILL')
    await ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** Clock ticks of a process, its `own` and those of children that have ended too, and its parent. */
interface Counted {
  readonly parent: number
  readonly own: number
  readonly ticks: number
}

async function allProcesses(): Promise<Map<number, Counted>> {
  const found = new Map<number, Counted>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // proc(5): the name may hold anything; after it come the state, the parent, …, utime, stime, cutime, cstime (14 to 17).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15).map(Number)
    const own = user + system
    if (fields.length <= 15) continue
    found.set(Number(name), { parent: Number(fields[1]), own, ticks: own + childUser + childSystem })
  }
  return found
}

/** The cost of a program that ran to its end. */
export interface Taken {
  readonly seconds: number
  /** With all that it started. */
  readonly cpuSeconds: number
  /** Resident bytes of the program itself, as they were last seen: it is looked at fifty times a second. */
  readonly peak: number
}

const lookEveryMs = 20

/**
 * Runs a program to its end; rejects, with the end of what it said, when it ends with another exit code than `code` or takes
 * longer than `limitMs`.
 */
export async function measured(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  limitMs: number,
  { cwd, code: wanted = 0 }: { cwd?: string; code?: number } = {},
): Promise<Taken> {
  // The shell's `times` knows its children's CPU time, which Node doesn't tell.
  const [file, ...args] = leashed(['sh', '-c', '"$@" >&2; code=$?; times; exit $code', 'sh', ...argv])
  const start = performance.now()
  const child = spawn(file, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
    timeout: limitMs,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr = (stderr + text).slice(-2000)
  })
  let peak = 0
  const looking = setInterval(() => {
    peak = Math.max(peak, peakOfChild(child.pid))
  }, lookEveryMs)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  }).finally(() => clearInterval(looking))
  const seconds = (performance.now() - start) / 1000
  if (code !== wanted) throw new BenchError('failed', `${argv.join(' ')} ended with ${code}:\n${stderr.trim()}`)
  const times = [...(stdout.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)]
  const cpuSeconds = times.reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0)
  return { seconds, cpuSeconds, peak }
}

/** The most resident bytes so far of what a process has started first; 0 when that has ended. */
function peakOfChild(pid = 0): number {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child}/status`, 'utf8'))?.[1]) * 1024 || 0
  } catch {
    return 0
  }
}
