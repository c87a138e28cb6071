/** Running one program with a time limit and a bounded memory of what it printed. */

import { spawn } from 'node:child_process'

export interface ProgramResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last lines of standard output and error, in the order in which they came. */
  readonly output: string[]
}

export interface ProgramOptions {
  timeoutMs: number
  /** Lines that are kept. */
  lines: number
  signal?: AbortSignal
  env?: NodeJS.ProcessEnv
  cwd?: string
  onLine?: (line: string) => void
}

/** Runs it to its end. Rejects when it can't be started, takes too long (it is then killed) or the signal aborts. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  const timeout = AbortSignal.timeout(options.timeoutMs)
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]),
    killSignal: 'SIGKILL',
    ...(options.env && { env: options.env }),
    ...(options.cwd && { cwd: options.cwd }),
  })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      // A line without an end is cut, so that a program can't fill the memory.
      rest = (lines.pop() ?? '').slice(-10_000)
      for (const line of lines) keep(line)
    })
    stream.on('end', () => {
      if (rest !== '') keep(rest)
    })
  }
  const keep = (line: string) => {
    output.push(line.slice(0, 1000))
    if (output.length > options.lines) output.shift()
    options.onLine?.(line)
  }
  return await new Promise<ProgramResult>((resolve, reject) => {
    child.on('error', error => reject(timeout.aborted ? timedOut(file, options.timeoutMs) : error))
    child.on('close', (code, signal) => resolve({ code, signal, output }))
  })
}

function timedOut(file: string, timeoutMs: number): Error {
  return new Error(`${file} did not end within ${timeoutMs / 1000} s and was killed`)
}
