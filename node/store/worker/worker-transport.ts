/** Two ways to a Nix daemon: the system's UNIX socket, or a `nix-daemon --stdio` of our own. */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { messageOf } from '../../../protocol/errors.ts'
import { childGraceMs, socketConnectLimitMs, stderrTailBytes } from '../limits.ts'
import { storeError, withoutAnsi } from '../store-error.ts'

/** A byte stream to a daemon and back. */
export interface WorkerTransport {
  readonly fromDaemon: Readable
  readonly toDaemon: Writable
  /** Ends the connection now; reads and writes under way fail with `reason`. Resolves when nothing is left of it. */
  destroy(reason?: Error): Promise<void>
  /** Why the daemon went by itself, where that is known: after `destroy()`. */
  readonly failure: Error | undefined
}

/** Connects to a daemon's UNIX socket. */
export function connectSocket(path: string, limitMs = socketConnectLimitMs): Promise<WorkerTransport> {
  const { promise, resolve, reject } = Promise.withResolvers<WorkerTransport>()
  const socket = connect(path)
  const fail = (why: string, cause?: unknown) => {
    socket.destroy()
    reject(storeError('store-unavailable', `Cannot reach the Nix daemon at ${path}: ${why}`, cause))
  }
  const onError = (error: Error) => fail(messageOf(error), error)
  const timer = setTimeout(() => fail(`no answer in ${limitMs} ms`), limitMs)
  // Stays for good: an error of the socket reaches readers and writers through `errored`, and must not end the process.
  socket.on('error', onError)
  socket.on('close', () => clearTimeout(timer))
  socket.on('connect', () => {
    clearTimeout(timer)
    resolve({
      fromDaemon: socket,
      toDaemon: socket,
      failure: undefined,
      async destroy(reason) {
        socket.destroy(reason)
      },
    })
  })
  return promise
}

/** How a daemon of our own is started. */
export interface ChildDaemonOptions {
  /** The program, by path or name. */
  readonly program: string
  /** What `--store` takes: `local`, `local?root=DIR`. */
  readonly storeUri: string
  readonly settings?: Readonly<Record<string, string>>
}

/** Starts a daemon that serves this one connection; it ends with the connection. */
export function spawnDaemon({ program, storeUri, settings = {} }: ChildDaemonOptions): WorkerTransport {
  const options = Object.entries(settings).flatMap(([name, value]) => ['--option', name, value])
  const child = spawn(program, ['--stdio', '--store', storeUri, ...options], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // An inherited NIX_REMOTE would be a second opinion on which store is meant.
    env: { ...process.env, NIX_REMOTE: undefined },
  })
  let tail = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-stderrTailBytes)
  })
  let failure: Error | undefined
  let ending = false
  const gone = Promise.withResolvers<void>()
  const ignore = () => {}
  child.stdin.on('error', ignore)
  child.stdout.on('error', ignore)
  child.on('error', error => {
    failure ??= storeError('store-unavailable', `Cannot start ${program}: ${messageOf(error)}`, error)
    child.stdin.destroy(failure)
    child.stdout.destroy(failure)
    if (child.pid === undefined) gone.resolve()
  })
  child.on('close', (code, signal) => {
    const last = withoutAnsi(tail).trim()
    const how = `${program} ended with ${signal ?? `exit code ${code}`}${last === '' ? '' : `: ${last}`}`
    if (!ending) failure ??= storeError('store-unavailable', how)
    child.stdin.destroy(failure)
    child.stdout.destroy(failure)
    gone.resolve()
  })
  return {
    fromDaemon: child.stdout,
    toDaemon: child.stdin,
    get failure() {
      return failure
    },
    async destroy(reason) {
      // One whose output has ended is going by itself, and how it goes is the better explanation.
      ending ||= reason !== undefined || !child.stdout.readableEnded
      child.stdin.destroy(reason)
      child.stdout.destroy(reason)
      // A daemon whose input ends goes by itself; one that hangs is made to.
      const term = setTimeout(() => child.kill('SIGTERM'), childGraceMs)
      const kill = setTimeout(() => child.kill('SIGKILL'), 2 * childGraceMs)
      await gone.promise
      clearTimeout(term)
      clearTimeout(kill)
    },
  }
}
