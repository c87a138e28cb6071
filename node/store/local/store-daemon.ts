/** Connects to the store's Nix daemon: the system's socket, or daemons started for this process. */
import { resolve } from 'node:path'
import { storeError } from '../store-error.ts'
import { WorkerClient } from '../worker/worker-client.ts'
import { connectSocket, spawnDaemon, type WorkerTransport } from '../worker/worker-transport.ts'
import { program, type StoreLocation } from './roots.ts'

const systemStateDir = '/nix/var/nix'
const systemSocket = `${systemStateDir}/daemon-socket/socket`

/** The part of a pino logger that the store uses. */
export interface StoreLog {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface StoreDaemonComponents {
  readonly log?: StoreLog
}

export interface StoreDaemonInit {
  /** A directory with its own store (`local?root=DIR`) instead of the system's. */
  readonly root?: string
  /** The daemon's socket, if not the default; no alternative is tried then. */
  readonly socket?: string
  /** Where `nix-daemon` and `nix-env` are, if not on the PATH. */
  readonly nixBinDir?: string
  /** Keys beside those of `nix.conf` whose signatures imports accept, `name:base64`. */
  readonly trustedPublicKeys?: readonly string[] | (() => readonly string[])
}

/** Opens connections to the store's daemon and closes them all on `stop()`. */
export class StoreDaemon {
  /** The prefix of `/nix/store` on this machine: empty for the system's store. */
  readonly root: string
  readonly #log: StoreLog | undefined
  readonly #init: StoreDaemonInit
  readonly #transports = new Set<WorkerTransport>()
  #socket: string | undefined
  #stopped = false
  #warned = false

  constructor({ log }: StoreDaemonComponents, init: StoreDaemonInit) {
    this.#log = log
    this.#init = init
    this.#socket = init.socket
    this.root = init.root === undefined ? '' : resolve(init.root)
  }

  /** Looks for the system's daemon, if the store is the system's; without one, daemons are started as needed. */
  async find(): Promise<void> {
    if (this.#init.socket !== undefined || this.root !== '') return
    try {
      await (await connectSocket(systemSocket)).destroy()
      this.#socket = systemSocket
    } catch {
      // A single-user store, which a daemon of our own can open.
      this.#socket = undefined
    }
  }

  /** A new connection whose daemon has the trusted keys. */
  async connect(): Promise<WorkerClient> {
    const transport = await this.#transport()
    const client = await WorkerClient.open(transport, { log: line => this.#log?.debug({ line }, 'nix daemon') })
    try {
      const keys = this.trustedPublicKeys().join(' ')
      await client.setOptions(keys === '' ? {} : { 'extra-trusted-public-keys': keys })
      this.#tell(client)
      return client
    } catch (thrown) {
      await client.destroy()
      throw thrown
    }
  }

  /** Closes all connections, including handshakes in progress, and waits for the started daemons. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#transports].map(transport => transport.destroy(stopped())))
  }

  trustedPublicKeys(): readonly string[] {
    const { trustedPublicKeys = [] } = this.#init
    return typeof trustedPublicKeys === 'function' ? trustedPublicKeys() : trustedPublicKeys
  }

  /** For Nix's programs. */
  get location(): StoreLocation {
    return { stateDir: this.root + systemStateDir, storeUri: this.#programsUri, nixBinDir: this.#init.nixBinDir }
  }

  get #programsUri(): string | undefined {
    if (this.root !== '' || this.#socket === undefined) return this.#ownUri
    return this.#socket === systemSocket ? undefined : `unix://${this.#socket}`
  }

  /** The store that a daemon of our own opens. */
  get #ownUri(): string {
    if (this.root === '') return 'local'
    return `local?root=${this.root.split('/').map(encodeURIComponent).join('/')}`
  }

  async #transport(): Promise<WorkerTransport> {
    if (this.#stopped) throw stopped()
    const transport = this.#socket === undefined ? this.#spawn() : await connectSocket(this.#socket)
    this.#transports.add(transport)
    transport.fromDaemon.once('close', () => this.#transports.delete(transport))
    if (this.#stopped) await transport.destroy(stopped())
    return transport
  }

  #spawn(): WorkerTransport {
    return spawnDaemon({
      program: program(this.location, 'nix-daemon'),
      storeUri: this.#ownUri,
      // Overrides nix.conf: no unsigned imports from the mesh, and no substitution in the background.
      settings: { 'require-sigs': 'true', substitute: 'false' },
    })
  }

  #tell(client: WorkerClient): void {
    this.#log?.debug({ ...client.greeting, socket: this.#socket, root: this.root }, 'connected to the nix daemon')
    if (client.greeting.trusted !== false || this.#warned || this.trustedPublicKeys().length === 0) return
    this.#warned = true
    this.#log?.warn({}, 'the nix daemon does not trust this user, so it accepts only the keys of its nix.conf')
  }
}

function stopped() {
  return storeError('store-unavailable', 'The Nix store has been stopped')
}
