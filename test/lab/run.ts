/** Programs run to their end, with a time limit that holds for their children too. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { LabError } from './errors.ts'

/** A program's output and exit code; a signal N is code 128+N, as in a shell. */
export interface RunResult {
  code: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  timeoutMs: number
  env: NodeJS.ProcessEnv
  /** The program's standard input; empty by default. */
  input?: string | Uint8Array
}

/** Runs `argv`; only a program that can't be started or outlives its time throws, all else is in the result. */
export async function run(argv: readonly string[], { timeoutMs, env, input }: RunOptions): Promise<RunResult> {
  const [program, ...args] = argv
  if (program === undefined) throw new LabError('command-failed', 'expected a program to run, got an empty list')
  // A session of its own, so that the time limit can end the whole process group, across PID namespaces too.
  const child = spawn(program, args, { env, detached: true, stdio: 'pipe' })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  child.stdin.on('error', () => {}) // a program need not read its input
  child.stdin.end(input)

  let late = false
  const timer = setTimeout(() => {
    late = true
    killGroup(child.pid)
  }, timeoutMs)
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    if (late) {
      throw new LabError('timeout', `expected ${argv.join(' ')} to end within ${timeoutMs} ms: ${tail(stderr())}`)
    }
    return { code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), stdout: stdout(), stderr: stderr() }
  } finally {
    clearTimeout(timer)
  }
}

/** Like `run`, and an exit code other than 0 throws, with what the program said. */
export async function mustRun(argv: readonly string[], options: RunOptions): Promise<string> {
  return mustSucceed(argv, await run(argv, options))
}

/** The standard output of a run that ended with 0; throws for any other. */
export function mustSucceed(argv: readonly string[], { code, stdout, stderr }: RunResult): string {
  if (code === 0) return stdout
  throw new LabError('command-failed', `expected ${argv.join(' ')} to succeed, it ended with ${code}: ${tail(stderr)}`)
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  return () => Buffer.concat(parts).toString('utf8')
}

function tail(text: string): string {
  return text.trim().split('\n').slice(-20).join('\n')
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended in the meantime.
  }
}
