/** One connection to a Nix daemon: the operations of the worker protocol needed to move closures. */
import { daemonStallMs, handshakeLimitMs } from '../limits.ts'
import type { PathInfo } from '../path-info.ts'
import { StoreError, type StoreOperation, storeError } from '../store-error.ts'
import { greet, type WorkerGreeting } from './worker-handshake.ts'
import { type NarTarget, sendNar } from './worker-nar.ts'
import { readPathInfo, writePathInfo } from './worker-path-info.ts'
import { readStderr } from './worker-stderr.ts'
import type { WorkerTransport } from './worker-transport.ts'
import { WireMessage, WireReader, WireSink } from './worker-wire.ts'

const opIsValidPath = 1
const opAddTempRoot = 11
const opSetOptions = 19
const opQueryPathInfo = 26
const opQueryValidPaths = 31
const opAddToStoreNar = 39

/** The daemon's `lvlError`: it sends only errors. */
const verbosityError = 0

/** Reports of a client while it works. */
export interface WorkerClientOptions {
  readonly log?: (line: string) => void
  /** Silence in milliseconds after which the daemon counts as hung. */
  readonly stallMs?: number
}

/**
 * A connection that answers one request at a time. It survives errors of the daemon, except for a failed import; any
 * other error destroys it.
 */
export class WorkerClient {
  readonly #transport: WorkerTransport
  readonly #reader: WireReader
  readonly #sink: WireSink
  readonly #options: WorkerClientOptions
  #greeting: WorkerGreeting = { minor: 0, nixVersion: undefined, trusted: undefined }
  #busy = false
  #reason: Error | undefined
  #interrupt: ((reason: Error) => void) | undefined

  private constructor(transport: WorkerTransport, options: WorkerClientOptions) {
    this.#transport = transport
    this.#options = options
    this.#reader = new WireReader(transport.fromDaemon)
    this.#sink = new WireSink(transport.toDaemon)
    transport.fromDaemon.on('close', () => this.#interrupt?.(this.#gone()))
  }

  /** Performs the handshake; if that fails, destroys the transport. */
  static async open(transport: WorkerTransport, options: WorkerClientOptions = {}): Promise<WorkerClient> {
    const client = new WorkerClient(transport, options)
    await client.#exclusively(async () => {
      client.#greeting = await client.#limited(handshakeLimitMs, greet(client.#reader, client.#sink))
    })
    return client
  }

  get greeting(): WorkerGreeting {
    return this.#greeting
  }

  /** Whether the connection is usable for another request, as far as is known. */
  get usable(): boolean {
    const { fromDaemon, toDaemon } = this.#transport
    return this.#reason === undefined && !fromDaemon.destroyed && !fromDaemon.readableEnded && !toDaemon.destroyed
  }

  /** Closes the connection; a running request fails with `reason`. */
  async destroy(reason?: Error): Promise<void> {
    this.#reason ??= reason ?? storeError('store-unavailable', 'The connection to the Nix daemon was closed')
    this.#interrupt?.(this.#reason)
    await this.#transport.destroy(reason)
  }

  /** Changes the daemon's settings for this connection: it obeys trusted users, and otherwise warns in its log. */
  async setOptions(settings: Readonly<Record<string, string>>): Promise<void> {
    const entries = Object.entries(settings)
    const message = new WireMessage()
      .u64(opSetOptions)
      .bool(false) // keepFailed
      .bool(false) // keepGoing
      .bool(false) // tryFallback
      .u64(verbosityError)
      .u64(1) // maxBuildJobs
      .u64(0) // maxSilentTime
      .bool(true) // obsolete: useBuildHook
      .u64(verbosityError) // verboseBuild
      .u64(0) // obsolete: logType
      .u64(0) // obsolete: printBuildTrace
      .u64(0) // buildCores
      .bool(false) // useSubstitutes: queries are about this store only
      .u64(entries.length)
    for (const [name, value] of entries) message.string(name).string(value)
    await this.#request(message, async () => {})
  }

  isValidPath(path: string): Promise<boolean> {
    return this.#request(new WireMessage().u64(opIsValidPath).string(path), () => this.#reader.bool())
  }

  /** The valid ones among the paths. */
  async queryValidPaths(paths: readonly string[]): Promise<Set<string>> {
    const message = new WireMessage().u64(opQueryValidPaths).strings(paths)
    if (this.#greeting.minor >= 27) message.bool(false) // substitute
    return new Set(await this.#request(message, () => this.#reader.strings(paths.length)))
  }

  /** A path's info; undefined if the path is not valid. */
  queryPathInfo(path: string): Promise<PathInfo | undefined> {
    const message = new WireMessage().u64(opQueryPathInfo).string(path)
    return this.#request(message, async () =>
      (await this.#reader.bool()) ? readPathInfo(this.#reader, path) : undefined,
    )
  }

  /** Protects a path, valid or not yet, from the garbage collector until this connection closes. */
  async addTempRoot(path: string): Promise<void> {
    await this.#request(new WireMessage().u64(opAddTempRoot).string(path), () => this.#reader.skipU64())
  }

  /**
   * Imports a path; the daemon verifies its signatures and the NAR's hash. The last piece of the NAR is sent only
   * after the source has ended without an error, so a failing source leaves no valid path. Any failure destroys the
   * connection.
   */
  async addToStoreNar(info: PathInfo, nar: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const onAbort = () => void this.destroy(asError(signal?.reason))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await this.#exclusively(async () => {
        const message = writePathInfo(new WireMessage().u64(opAddToStoreNar), info)
          .bool(false) // repair
          .bool(false) // dontCheckSigs
        await this.#sink.write(message.bytes())
        await sendNar(this.#narTarget(), info, nar)
      }, true)
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #narTarget(): NarTarget {
    return {
      minor: this.#greeting.minor,
      write: (...pieces) => this.#limited(this.#stallMs, this.#sink.write(...pieces)),
      answer: onRead => this.#readStderr('import', onRead),
      limited: promise => this.#limited(this.#stallMs, promise),
      destroy: reason => void this.destroy(reason),
      interruptible: promise =>
        new Promise((resolve, reject) => {
          if (!this.usable) reject(this.#gone())
          this.#interrupt = reject
          promise.then(resolve, reject).finally(() => {
            this.#interrupt = undefined
          })
        }),
    }
  }

  #request<T>(message: WireMessage, read: () => Promise<T>): Promise<T> {
    return this.#exclusively(() =>
      this.#limited(
        this.#stallMs,
        (async () => {
          await this.#sink.write(message.bytes())
          await this.#readStderr('query')
          return await read()
        })(),
      ),
    )
  }

  #readStderr(operation: StoreOperation, onRead?: (length: number) => Promise<void>): Promise<void> {
    return readStderr(this.#reader, { minor: this.#greeting.minor, operation, log: this.#options.log, onRead })
  }

  get #stallMs(): number {
    return this.#options.stallMs ?? daemonStallMs
  }

  /** Runs one request; destroys the connection if its state becomes unknown. */
  async #exclusively<T>(run: () => Promise<T>, destroyOnAnyError = false): Promise<T> {
    if (this.#busy) throw new Error('A worker connection answers one request at a time')
    if (!this.usable) throw this.#gone()
    this.#busy = true
    try {
      return await run()
    } catch (thrown) {
      if (!destroyOnAnyError && thrown instanceof StoreError && refusals.has(thrown.code)) throw thrown
      const known = this.#reason
      const lost = thrown instanceof StoreError && thrown.code === 'store-unavailable'
      await this.destroy(lost ? undefined : asError(thrown))
      // The daemon's own failure explains more than the lost connection.
      throw known ?? (lost ? this.#transport.failure : undefined) ?? thrown
    } finally {
      this.#busy = false
    }
  }

  async #limited<T>(limitMs: number, promise: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      void this.destroy(storeError('store-unavailable', `The Nix daemon has not answered for ${limitMs} ms`))
    }, limitMs)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
    }
  }

  #gone(): Error {
    const why = this.#reason ?? this.#transport.failure ?? this.#transport.fromDaemon.errored
    return why ?? storeError('store-unavailable', 'The Nix daemon closed the connection')
  }
}

/** Errors at the end of an operation, after which the daemon waits for the next one. */
const refusals: ReadonlySet<string> = new Set([
  'signature-refused',
  'nar-mismatch',
  'reference-missing',
  'disk-full',
  'path-unknown',
  'path-invalid',
  'daemon-refused',
])

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
