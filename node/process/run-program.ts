/** Runs a program with a timeout and a limit on captured output. */

import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { ThymeshError } from '../../protocol/errors.ts'
import { atEnd } from './at-end.ts'

/** A program that was started and ended by us: its time was over. */
export class ProgramError extends ThymeshError<'timeout'> {}

/** Captured standard output in characters: `nix eval --json` of a large fleet. */
const maxStdoutLength = 64 * 1024 * 1024

/** What a program that is asked to end may take before it is killed. */
const endMs = 1_500

export interface ProgramResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last lines of standard output and error, in order; without colours, as these are for people. */
  readonly output: string[]
  /** The last lines of standard error alone. */
  readonly errors: string[]
  /** Standard output, up to the limit. */
  readonly stdout: string
}

export interface ProgramOptions {
  timeoutMs: number
  /** The number of lines to keep. */
  lines: number
  signal?: AbortSignal
  /** Aborts by asking the program to end, so that it ends what it has started; it is killed if it takes too long. */
  asked?: AbortSignal
  env?: NodeJS.ProcessEnv
  cwd?: string
  onLine?: (line: string) => void
  /** Kills it when this process ends before it does; otherwise it runs on. */
  endsWithUs?: boolean
}

/** Runs it to its end. Rejects with a ProgramError when it takes too long (it is then killed), and when it can't be started or the signal aborts. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  options.asked?.throwIfAborted()
  const timeout = AbortSignal.timeout(options.timeoutMs)
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]),
    killSignal: 'SIGKILL',
    ...(options.env && { env: options.env }),
    ...(options.cwd && { cwd: options.cwd }),
  })
  const hasEnded = options.endsWithUs === true ? atEnd(() => child.kill('SIGKILL')) : () => {}
  let killing: NodeJS.Timeout | undefined
  const ask = () => {
    child.kill('SIGTERM')
    killing = setTimeout(() => child.kill('SIGKILL'), endMs)
  }
  options.asked?.addEventListener('abort', ask, { once: true })
  const output: string[] = []
  const errors: string[] = []
  const stdout: string[] = []
  let stdoutLength = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdoutLength += text.length
    if (stdoutLength <= maxStdoutLength) stdout.push(text)
  })
  const keep = (line: string, isError: boolean) => {
    const shown = stripVTControlCharacters(line).slice(0, 1000)
    for (const list of isError ? [output, errors] : [output]) {
      list.push(shown)
      if (list.length > options.lines) list.shift()
    }
    options.onLine?.(line)
  }
  eachLine(child.stdout, line => keep(line, false))
  eachLine(child.stderr, line => keep(line, true))
  return await new Promise<ProgramResult>((resolve, reject) => {
    child.on('error', error => reject(timeout.aborted ? timedOut(file, options.timeoutMs) : error))
    child.on('close', (code, signal) => {
      clearTimeout(killing)
      options.asked?.removeEventListener('abort', ask)
      if (options.asked?.aborted) reject(options.asked.reason)
      else resolve({ code, signal, output, errors, stdout: stdout.join('') })
    })
  }).finally(hasEnded)
}

function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    // A long line is cut, so that a program can't fill the memory.
    rest = (lines.pop() ?? '').slice(-10_000)
    for (const line of lines) onLine(line)
  })
  stream.on('end', () => {
    if (rest !== '') onLine(rest)
  })
}

function timedOut(file: string, timeoutMs: number): ProgramError {
  return new ProgramError('timeout', `${file} did not end within ${timeoutMs / 1000} s and was killed`)
}
