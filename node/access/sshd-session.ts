/** One sshd for one stream: started with files of its own, watched by its log, and ended with all that it has started. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { visible } from '../../protocol/encoding/visible.ts'
import { keptLogLines } from './limits.ts'
import { killGroup, killTree } from './process-tree.ts'
import { authorizedKeys, recordedScript, type SessionFiles, sessionScript, sshdConfig } from './sshd-config.ts'

/** The slice of all sessions: `systemctl status thymesh-sessions.slice` shows them, and can bound them. */
const slice = 'thymesh-sessions.slice'

export interface SshdInit extends Omit<SessionFiles, 'directory'> {
  readonly sshd: string
  /** The folder in which each session has one of its own. */
  readonly place: string
  readonly hostKey: string
  /** Whether systemd starts it: then it has nothing of the daemon's limits, and is not ended with it. */
  readonly inUnit: boolean
  /** Called with the session's ID and folder before sshd starts: what records it begins there. */
  readonly prepare?: (id: string, directory: string) => Promise<void>
  /** A key was accepted, by its fingerprint. */
  readonly onLogin: (fingerprint: string) => void
}

export class SshdSession {
  readonly id: string
  readonly #child: ChildProcessWithoutNullStreams
  readonly #directory: string
  readonly #init: SshdInit
  readonly #log: string[] = []
  #ending: Promise<void> | undefined

  private constructor(id: string, directory: string, init: SshdInit) {
    this.id = id
    this.#directory = directory
    this.#init = init
    const sshd = [init.sshd, '-i', '-e', '-f', join(directory, 'config')]
    const [file = '', ...args] = init.inUnit
      ? ['systemd-run', '--pipe', '--quiet', '--collect', `--slice=${slice}`, `--unit=${unitOf(id)}`, '--', ...sshd]
      : sshd
    // A group of its own: what ends the daemon's group does not end it in the middle of our own end.
    this.#child = spawn(file, args, { stdio: 'pipe', detached: true, env: { PATH: process.env.PATH } })
    this.#child.stderr.setEncoding('utf8')
    let rest = ''
    this.#child.stderr.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = (lines.pop() ?? '').slice(-1000)
      for (const line of lines) this.#heard(line.trimEnd())
    })
  }

  /** Writes its files and starts it. */
  static async start(init: SshdInit): Promise<SshdSession> {
    const id = randomBytes(6).toString('hex')
    const directory = join(init.place, id)
    const files = { ...init, directory }
    // The user's own process reads the keys and the script, and nothing else.
    await mkdir(directory, { recursive: true, mode: 0o711 })
    try {
      await chmod(directory, 0o711)
      await writeFile(join(directory, 'host_key'), init.hostKey, { mode: 0o600 })
      await writeFile(join(directory, 'config'), sshdConfig(files), { mode: 0o600 })
      for (const [name, content] of [
        ['authorized_keys', authorizedKeys(files)],
        ['session', sessionScript(init.sftpServer, init.user)],
        ['recorded', recordedScript(init.sftpServer, init.user)],
      ] as const) {
        await writeFile(join(directory, name), content)
        await chmod(join(directory, name), 0o644)
      }
      await init.prepare?.(id, directory)
      return new SshdSession(id, directory, init)
    } catch (thrown) {
      await rm(directory, { recursive: true, force: true })
      throw thrown
    }
  }

  /** The last lines of its log. */
  get log(): readonly string[] {
    return this.#log
  }

  /** Carries bytes until sshd or the other side ends. Never rejects. */
  async carry(stream: Duplex): Promise<void> {
    const gone = new Promise<void>(resolve => {
      this.#child.once('error', () => resolve())
      this.#child.once('close', () => resolve())
    })
    const inward = pipeline(stream, this.#child.stdin).catch(() => {})
    const outward = pipeline(this.#child.stdout, stream, { end: true }).catch(() => {})
    // Without the other side nothing is left to do for sshd; its own end comes out of the pipe first.
    await Promise.race([gone, Promise.all([inward, outward])])
    await outward
    await this.end()
  }

  /** Ends sshd and all that it has started. Never rejects. */
  end(): Promise<void> {
    this.#ending ??= this.#end().catch(() => {})
    return this.#ending
  }

  async #end(): Promise<void> {
    const { pid } = this.#child
    try {
      if (this.#init.inUnit) await killGroup(join('/sys/fs/cgroup/thymesh.slice', slice, `${unitOf(this.id)}.service`))
      if (pid !== undefined) await killTree(pid)
    } finally {
      await rm(this.#directory, { recursive: true, force: true })
    }
  }

  #heard(line: string): void {
    this.#log.push(visible(line, 300))
    if (this.#log.length > keptLogLines) this.#log.shift()
    const [, fingerprint] = /^Accepted publickey for \S+ from .* ssh2: \S+ (SHA256:[A-Za-z0-9+/]{43})/.exec(line) ?? []
    if (fingerprint !== undefined) this.#init.onLogin(fingerprint)
  }
}

function unitOf(id: string): string {
  return `thymesh-session-${id}`
}

/** Whether systemd can start sessions for us. */
export function hasSystemd(): boolean {
  return process.getuid?.() === 0 && existsSync('/run/systemd/system')
}
