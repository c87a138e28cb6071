/** Two transports to a Nix daemon: the system's UNIX socket, or a child process `nix-daemon --stdio`. */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { messageOf } from '../../../protocol/errors.ts'
import { childGraceMs, socketConnectLimitMs, stderrTailBytes } from '../limits.ts'
import { storeError } from '../store-error.ts'

/** A duplex byte stream to a daemon. */
export interface WorkerTransport {
  readonly fromDaemon: Readable
  readonly toDaemon: Writable
  /**
   * Closes the connection now; running reads and writes fail with `reason`. Resolves when all resources are released.
   */
  destroy(reason?: Error): Promise<void>
  /** Why the daemon ended by itself, if known: set after `destroy()`. */
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
  // Never removed: socket errors reach readers and writers through `errored`, and must not end the process.
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

/** How to start a daemon. */
export interface ChildDaemonOptions {
  /** The program, by path or name. */
  readonly program: string
  /** A value for `--store`: `local`, `local?root=DIR`. */
  readonly storeUri: string
  readonly settings?: Readonly<Record<string, string>>
}

/** Starts a daemon for this connection; it ends with the connection. */
export function spawnDaemon({ program, storeUri, settings = {} }: ChildDaemonOptions): WorkerTransport {
  const options = Object.entries(settings).flatMap(([name, value]) => ['--option', name, value])
  const child = spawn(program, ['--stdio', '--store', storeUri, ...options], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // An inherited NIX_REMOTE would select another store.
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
    const last = stripVTControlCharacters(tail).trim()
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
      // A daemon whose output has ended is exiting by itself, and its exit status explains more.
      ending ||= reason !== undefined || !child.stdout.readableEnded
      child.stdin.destroy(reason)
      child.stdout.destroy(reason)
      // A daemon exits when its input ends; one that hangs is killed.
      const term = setTimeout(() => child.kill('SIGTERM'), childGraceMs)
      const kill = setTimeout(() => child.kill('SIGKILL'), 2 * childGraceMs)
      await gone.promise
      clearTimeout(term)
      clearTimeout(kill)
    },
  }
}
