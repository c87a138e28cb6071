/** A daemon's log, from now on: waits for a line of it. */

import { open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 50

/** A line of the daemon's log. */
export interface LogLine {
  readonly msg: string
  /** ISO 8601. */
  readonly time: string
  readonly release?: number
  readonly state?: string
}

export class LogTail {
  readonly #file: string
  #at: number
  #rest = ''

  private constructor(file: string, at: number) {
    this.#file = file
    this.#at = at
  }

  static async of(file: string): Promise<LogTail> {
    return new LogTail(file, (await stat(file)).size)
  }

  /** The first line that `fits`; nothing after `limitMs`. */
  async wait(fits: (line: LogLine) => boolean, limitMs: number): Promise<LogLine | undefined> {
    for (const deadline = performance.now() + limitMs; ; await sleep(pollMs)) {
      const found = linesOf(await this.#more()).find(fits)
      if (found !== undefined || performance.now() > deadline) return found
    }
  }

  /** Whole lines that were written since the last look. */
  async #more(): Promise<string> {
    await using file = await open(this.#file)
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - this.#at), 0, size - this.#at, this.#at)
    this.#at += bytesRead
    const text = this.#rest + buffer.toString('utf8', 0, bytesRead)
    const end = text.lastIndexOf('\n') + 1
    this.#rest = text.slice(end)
    return text.slice(0, end)
  }
}

/** Lines of JSON; Node's own warnings are none. */
function linesOf(text: string): LogLine[] {
  return text.split('\n').flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : []))
}
