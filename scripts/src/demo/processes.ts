/** The demo's processes: the CLI as an operator runs it, and daemons that are ended by their process IDs. */

import { type ChildProcess, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const repository = fileURLToPath(new URL('../../..', import.meta.url))
const thymesh = `${repository}controller/main.ts`

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a program to its end; rejects when it fails or takes longer than `timeoutMs`. */
export async function runToEnd(
  file: string,
  args: string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv; timeoutMs: number },
): Promise<Ended> {
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs,
    killSignal: 'SIGKILL',
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', text => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    output.stderr += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code === 0) return { code, ...output }
  throw new Error(`${file} ${args.join(' ')} ended with ${code}:\n${output.stdout}${output.stderr}`)
}

/** Runs a command of the CLI with `--json` and gives its object. */
export async function cli<T>(project: string, home: string, args: string[], timeoutMs: number): Promise<T> {
  const env = { THYMESH_HOME: home }
  const { stdout } = await runToEnd(process.execPath, [thymesh, ...args, '--json'], { cwd: project, env, timeoutMs })
  return JSON.parse(stdout) as T
}

/** Runs a command of the CLI at this terminal until it ends; Ctrl-C, which the terminal sends to both, ends it only. */
export async function runUntilLeft(args: string[], options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<void> {
  const env = { ...process.env, ...options.env }
  const child = spawn(process.execPath, [thymesh, ...args], { cwd: options.cwd, env, stdio: 'inherit' })
  const onInterrupt = () => {}
  const onTerminate = () => child.kill('SIGTERM')
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onTerminate)
  try {
    await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
    })
  } finally {
    process.off('SIGINT', onInterrupt)
    process.off('SIGTERM', onTerminate)
  }
}

/** A daemon that runs until it is stopped. */
export class Daemon {
  readonly #child: ChildProcess
  readonly #name: string
  readonly logFile: string

  constructor(name: string, args: string[], logFile: string) {
    const log = openSync(logFile, 'a')
    this.#name = name
    this.logFile = logFile
    this.#child = spawn(process.execPath, [thymesh, 'node', ...args], { stdio: ['ignore', log, log] })
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** SIGTERM, and SIGKILL to one that doesn't end by itself. */
  async stop(): Promise<void> {
    if (!this.running) return
    const ended = new Promise<void>(resolve => this.#child.once('exit', () => resolve()))
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(timer)
  }

  toString(): string {
    return this.#name
  }
}

/** Asks until there is an answer; rejects after `limitMs` with what was waited for. */
export async function until<T>(what: string, limitMs: number, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + limitMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error(`waited ${limitMs / 1000} s for ${what}`)
    await sleep(100)
  }
}

/** As many TCP ports as are asked for, free on loopback now. */
export async function freePorts(count: number): Promise<number[]> {
  const { createServer } = await import('node:net')
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      server =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
        }),
    ),
  )
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}
