/**
 * The one door from a command to its standard output and error. What goes through it is visible text or JSON; only this file
 * moves a terminal's cursor.
 */

import { once } from 'node:events'
import { visible, visibleJson, visibleLines } from '../../protocol/encoding/visible.ts'
import { HarmlessTerminal } from './harmless-terminal.ts'

type Stream = 'stdout' | 'stderr'

/** Lines of text. */
export function writeText(to: Stream, text: string): void {
  process[to].write(`${visibleLines(text)}\n`)
}

/** One JSON value, in one line. */
export function writeJson(value: unknown): void {
  process.stdout.write(`${visibleJson(value)}\n`)
}

/** The width of the terminal in columns; 80 where the output goes elsewhere. */
export function terminalColumns(): number {
  return process.stdout.columns || 80
}

/** The content of a file or secret: byte for byte to a file or a program, visible at a terminal. */
export function writeContent(bytes: Uint8Array): void {
  process.stdout.write(process.stdout.isTTY ? visibleLines(Buffer.from(bytes).toString()) : bytes)
}

/** A part of a long binary content for a file or a program; resolves when the reader keeps up. */
export async function streamContent(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain', { signal })
}

/** Shows what another terminal has shown: text, colours and moves, and nothing that does more to this terminal. */
export class ReplayedTerminal {
  /** Whether somebody watches: elsewhere it is read. */
  readonly watched = process.stdout.isTTY === true
  readonly #harmless = new HarmlessTerminal()

  show(text: string): void {
    process.stdout.write(this.#harmless.add(text))
  }

  /** Gives the terminal back as it was: its own screen, colours and cursor. */
  end(): void {
    if (this.watched) process.stdout.write('\x1b[?1049l\x1b[?7h\x1b[?25h\x1b[0m\x1b[r\x1b(B\x1b[?1l\n')
  }
}

/** Lines that are drawn again in their place, cut to the terminal's width. */
export class DrawnLines {
  readonly #stream: NodeJS.WriteStream
  #drawn: readonly string[] = []

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  /** Draws them in place of those that were drawn before. */
  draw(lines: readonly string[]): void {
    const width = this.#stream.columns || 80
    const rows = lines.map(line => `\x1b[2K${visible(line).slice(0, width - 1)}\n`)
    const fewer = rows.length < this.#drawn.length ? '\x1b[J' : ''
    this.#stream.write(`${this.#toTop()}${rows.join('')}${fewer}`)
    this.#drawn = lines
  }

  /** Writes a line that is not drawn again. */
  write(line: string): void {
    this.#stream.write(`${visible(line)}\n`)
  }

  /** Writes a line above them. */
  writeAbove(line: string): void {
    const lines = this.#drawn
    this.#stream.write(`${this.#toTop()}\x1b[J${visible(line)}\n`)
    this.#drawn = []
    this.draw(lines)
  }

  #toTop(): string {
    return this.#drawn.length > 0 ? `\x1b[${this.#drawn.length}A` : ''
  }
}
