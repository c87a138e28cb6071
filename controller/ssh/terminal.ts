/** One terminal on a device: kept here with its last output, while browsers come and go. */

import type ssh2 from 'ssh2'
import { messageOf } from '../../protocol/errors.ts'
import type { SshConnection, SshPlace } from './connect.ts'
import { maxAheadBytes, scrollbackBytes, unwatchedMs } from './limits.ts'
import { Scrollback } from './scrollback.ts'

/** What looks at a terminal: one browser's link. */
export interface Viewer {
  /** What comes next begins at this offset: less than was asked for is no longer kept. */
  from(offset: number): void
  /** Takes output; false where it should get no more before `again` of the terminal is called. */
  take(bytes: Buffer): boolean
  /** The terminal has ended, or another window has it now. */
  over(end: TerminalEnd | 'elsewhere'): void
}

/** How it ended. */
export interface TerminalEnd {
  /** The exit code of the shell; null where the connection was lost, or a signal ended it. */
  readonly code: number | null
  readonly reason: string | null
}

export interface WindowSize {
  readonly columns: number
  readonly rows: number
}

const pieceBytes = 64 * 1024

export class Terminal {
  readonly id: string
  readonly place: SshPlace
  readonly recorded: boolean
  readonly #client: ssh2.Client
  readonly #channel: ssh2.ClientChannel
  readonly #scrollback = new Scrollback(scrollbackBytes)
  readonly #onEnd: () => void
  #viewer: Viewer | undefined
  #ready = true
  #at = 0
  #end: TerminalEnd | undefined
  #exit: TerminalEnd | undefined
  #unwatched: NodeJS.Timeout

  private constructor(
    id: string,
    place: SshPlace,
    { client, recorded }: SshConnection,
    channel: ssh2.ClientChannel,
    onEnd: () => void,
  ) {
    this.id = id
    this.place = place
    this.recorded = recorded
    this.#client = client
    this.#channel = channel
    this.#onEnd = onEnd
    this.#unwatched = this.#watch()
    const took = (bytes: Buffer) => this.#took(bytes)
    channel.on('data', took)
    channel.stderr.on('data', took)
    // What is typed while it ends is lost, and no fault.
    channel.on('error', () => {})
    channel.on('exit', (code: number | null, signal?: string) => {
      this.#exit = { code, reason: signal ?? null }
    })
    channel.once('close', () => this.#ended(this.#exit ?? { code: null, reason: 'the device ended the session' }))
    client.on('error', error => this.#ended({ code: null, reason: messageOf(error) }))
    client.once('close', () => this.#ended(this.#exit ?? { code: null, reason: 'the connection was lost' }))
  }

  /** Begins a shell in a window of this size. */
  static async open(
    id: string,
    place: SshPlace,
    connection: SshConnection,
    { columns, rows }: WindowSize,
    onEnd: () => void,
  ): Promise<Terminal> {
    const { client } = connection
    const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) => {
      const window = { term: 'xterm-256color', cols: columns, rows, width: 0, height: 0 }
      client.shell(window, { env: { COLORTERM: 'truecolor' } }, (error, made) =>
        error ? reject(error) : resolve(made),
      )
    }).catch(thrown => {
      client.destroy()
      throw thrown
    })
    return new Terminal(id, place, connection, channel, onEnd)
  }

  get ended(): TerminalEnd | undefined {
    return this.#end
  }

  /** Shows it to this browser from an offset on, and to no other any more. */
  attach(viewer: Viewer, from: number): void {
    clearTimeout(this.#unwatched)
    const before = this.#viewer
    this.#viewer = viewer
    // It is detached by that, and must not be taken for the last one.
    before?.over('elsewhere')
    this.#ready = true
    this.#at = Math.min(Math.max(from, this.#scrollback.begin), this.#scrollback.end)
    viewer.from(this.#at)
    this.again(viewer)
  }

  detach(viewer: Viewer): void {
    if (this.#viewer !== viewer) return
    this.#viewer = undefined
    if (this.#end !== undefined) return
    this.#unwatched = this.#watch()
    // Nobody waits: the program goes on, and the oldest output is forgotten.
    this.#channel.resume()
  }

  /** The browser takes more. */
  again(viewer: Viewer): void {
    if (this.#viewer !== viewer) return
    this.#ready = true
    this.#show()
    if (this.#scrollback.end - this.#at < maxAheadBytes) this.#channel.resume()
  }

  /** What was typed. False where the device takes no more for now; `drained` is called when it does. */
  type(bytes: Buffer, drained: () => void): boolean {
    if (this.#end !== undefined || this.#channel.write(bytes)) return true
    this.#channel.once('drain', drained)
    return false
  }

  resize({ columns, rows }: WindowSize): void {
    if (this.#end === undefined) this.#channel.setWindow(rows, columns, 0, 0)
  }

  end(reason: string): void {
    this.#exit ??= { code: null, reason }
    this.#client.end()
    this.#client.destroy()
    this.#ended(this.#exit)
  }

  #took(bytes: Buffer): void {
    this.#scrollback.append(bytes)
    if (this.#viewer === undefined) return
    if (this.#ready) this.#show()
    if (this.#scrollback.end - this.#at >= maxAheadBytes) this.#channel.pause()
  }

  #show(): void {
    while (this.#viewer !== undefined && this.#ready && this.#at < this.#scrollback.end) {
      const { from, bytes } = this.#scrollback.read(this.#at, pieceBytes)
      if (from !== this.#at) this.#viewer.from(from)
      this.#at = from + bytes.length
      this.#ready = this.#viewer.take(bytes)
    }
    // A slow browser gets the last output before the end.
    if (this.#end !== undefined && this.#at >= this.#scrollback.end) this.#viewer?.over(this.#end)
  }

  #watch(): NodeJS.Timeout {
    return setTimeout(() => this.end('nobody has looked at it for an hour'), unwatchedMs).unref()
  }

  #ended(end: TerminalEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    clearTimeout(this.#unwatched)
    this.#show()
    this.#client.end()
    this.#onEnd()
  }
}
