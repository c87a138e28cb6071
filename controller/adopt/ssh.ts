/**
 * A connection by the system's own ssh: jump hosts, agents, keys and known hosts are the user's, and no check is weakened. It is
 * shared (ControlMaster), so that a person is asked once, and other processes of the same user can use it by its path.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createReadStream, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { atEnd } from '../../node/process/at-end.ts'
import { AdoptError } from './adopt-error.ts'
import { boundedText } from './bounded-text.ts'
import { connectMs, endMs, idleSeconds, outputBytes } from './limits.ts'

export interface SshOptions {
  /** As ssh takes it: `user@host`, a name of ssh_config, or `ssh://user@host:port`. */
  readonly destination: string
  /** More of ssh's options (`-o`). */
  readonly sshOptions: readonly string[]
}

export interface Remote {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RemoteInput {
  /** Sent first, such as a password or a token. */
  readonly text?: string
  /** A file, sent after it. */
  readonly file?: string
  readonly onSent?: (bytes: number) => void
}

export class Ssh {
  readonly control: string
  readonly #options: SshOptions
  /** Ends the connection at the end of this process, in whatever way that comes; missing where another one has made it. */
  readonly #ends: (() => void) | undefined
  #forget: () => void = () => {}

  private constructor(control: string, options: SshOptions, directory: string | undefined) {
    this.control = control
    this.#options = options
    if (directory === undefined) return
    this.#ends = () => {
      const args = ['-o', `ControlPath=${control}`, '-O', 'exit', '--', options.destination]
      spawnSync('ssh', args, { stdio: 'ignore', timeout: endMs })
      rmSync(directory, { recursive: true, force: true })
    }
    this.#forget = atEnd(this.#ends)
  }

  /**
   * Connects. With `asks`, ssh may ask at the terminal for what it needs; else it fails then. `say` is told its lines, such as to
   * touch a key. Throws an AdoptError.
   */
  static async connect(
    options: SshOptions,
    { asks, signal, say }: { asks: boolean; signal?: AbortSignal; say?: (line: string) => void },
  ): Promise<Ssh> {
    checkDestination(options.destination)
    const directory = await mkdtemp(join(socketFolder(), 'thymesh-ssh-'))
    const ssh = new Ssh(join(directory, 'c'), options, directory)
    try {
      const persist = ['ControlMaster=yes', `ControlPersist=${idleSeconds}`, `BatchMode=${asks ? 'no' : 'yes'}`]
      const alive = ['ServerAliveInterval=5', 'ServerAliveCountMax=3', `ConnectTimeout=${connectMs / 1000}`]
      // It ends as soon as the connection stands, which then stays in the background.
      const child = ssh.#spawn([...persist, ...alive], 'true', { detached: false, signal })
      child.stdin?.end()
      if (say !== undefined) child.stderr?.setEncoding('utf8').on('data', (text: string) => say(text.trim()))
      const { code, stderr } = await endOf(child)
      if (code !== 0) throw notConnected(options.destination, stderr)
      return ssh
    } catch (thrown) {
      ssh.close()
      throw thrown
    }
  }

  /** Uses a connection that another process of this user has made. */
  static shared(control: string, options: SshOptions): Ssh {
    checkDestination(options.destination)
    return new Ssh(control, options, undefined)
  }

  /** Runs a command of the login shell to its end. Throws an AdoptError if the connection is lost. */
  async run(command: string, init: { input?: RemoteInput; signal?: AbortSignal } = {}): Promise<Remote> {
    // Over this connection or not at all: a new one would ask again, or reach another machine behind the same name.
    const only = ['ControlMaster=no', 'ProxyCommand=false', 'BatchMode=yes']
    const child = this.#spawn(only, command, { detached: true, signal: init.signal })
    const ended = endOf(child)
    await send(child, init.input ?? {})
    const remote = await ended
    init.signal?.throwIfAborted()
    if (remote.code === 255) throw lost(this.#options.destination, remote.stderr)
    return remote
  }

  close(): void {
    this.#ends?.()
    this.#forget()
  }

  /** Leaves the connection to the process that goes on with it; it ends by itself when nobody uses it. */
  leave(): void {
    this.#forget()
  }

  #spawn(
    options: readonly string[],
    command: string,
    { detached, signal }: { detached: boolean; signal: AbortSignal | undefined },
  ): ChildProcess {
    const all = [`ControlPath=${this.control}`, ...options, ...this.#options.sshOptions]
    const args = [...all.flatMap(option => ['-o', option]), '-T', '--', this.#options.destination, command]
    // Ctrl-C is ours: it must not end a step before it is undone.
    return spawn('ssh', args, { stdio: 'pipe', detached, ...(signal && { signal }), killSignal: 'SIGKILL' })
  }
}

/** A path of a socket has at most 108 bytes, of which ssh takes some for itself. */
function socketFolder(): string {
  const folder = process.env.XDG_RUNTIME_DIR ?? tmpdir()
  return folder.length <= 50 ? folder : '/tmp'
}

function checkDestination(destination: string): void {
  if (/^[A-Za-z0-9_[][\w.@:%/[\]-]{0,250}$/.test(destination)) return
  throw new AdoptError(
    'not-a-destination',
    `expected a machine as ssh names it, such as root@kiosk, got ${destination}`,
    {
      hint: 'Give user@host, a name of your ssh_config, or ssh://user@host:port.',
    },
  )
}

async function send(child: ChildProcess, { text, file, onSent }: RemoteInput): Promise<void> {
  const { stdin } = child
  if (stdin === null) return
  // A command may end before it has read all: its answer says why.
  stdin.on('error', () => {})
  if (text !== undefined) stdin.write(text)
  if (file === undefined) {
    stdin.end()
    return
  }
  let sent = 0
  const reading = createReadStream(file, { highWaterMark: 256 * 1024 })
  reading.on('data', part => {
    sent += part.length
    onSent?.(sent)
  })
  await pipeline(reading, stdin).catch(() => {})
}

async function endOf(child: ChildProcess): Promise<Remote> {
  const [stdout, stderr] = [boundedText(child.stdout, outputBytes), boundedText(child.stderr, outputBytes)]
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', thrown => {
      if (thrown.name === 'AbortError') return
      const missing = 'code' in thrown && thrown.code === 'ENOENT'
      reject(missing ? noSsh(thrown) : thrown)
    })
  })
  return { code, stdout: stdout(), stderr: stderr() }
}

function noSsh(cause: unknown): AdoptError {
  return new AdoptError('no-ssh', 'expected the program ssh on this machine, found none', {
    hint: 'Install it: apt-get install openssh-client',
    cause,
  })
}

function lost(destination: string, stderr: string): AdoptError {
  return new AdoptError('connection-lost', `the connection to ${destination} was lost: ${lastLine(stderr)}`, {
    hint: 'Run the same command again: it goes on where it was. With --undo it takes back what was done.',
  })
}

/** Why ssh did not connect, by what it says; it has no codes. */
function notConnected(destination: string, stderr: string): AdoptError {
  const said = lastLine(stderr)
  if (/host key verification failed|host identification has changed/i.test(stderr)) {
    const changed = /has changed/i.test(stderr)
    return new AdoptError(
      'host-key',
      changed
        ? `the host key of ${destination} is another one than before: ${said}`
        : `the host key of ${destination} is not known yet, and nobody was asked`,
      {
        hint: changed
          ? 'Find out why before you go on. If the machine was set up anew: ssh-keygen -R HOST, then connect once with ssh.'
          : `Connect once with: ssh ${destination}`,
      },
    )
  }
  if (/permission denied|too many authentication failures/i.test(stderr)) {
    return new AdoptError('ssh-refused', `${destination} let nobody in: ${said}`, {
      hint: `Make sure that this works: ssh ${destination} true`,
    })
  }
  return new AdoptError('unreachable', `expected ssh to reach ${destination}: ${said}`, {
    hint: `Make sure that this works: ssh ${destination} true`,
  })
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? 'it said nothing'
}
