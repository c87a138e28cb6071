/** What a running task says: lines within bounds, harmless for a terminal, told some at a time. */

import { visible } from '../../protocol/encoding/visible.ts'
import { lineCharacters, outputBytes, outputMs, partBytes, sliceCharacters } from './limits.ts'

/** Lines that came close together. Their only control characters are line breaks, one of them at the end. */
export interface OutputPart {
  /** Of the task. */
  readonly id: string
  /** The byte of the task's output that it begins at. */
  readonly from: number
  /** UTF-8. */
  readonly bytes: Buffer
}

/** Most output is: it needs no closer look. */
const plain = /^[\n -~]*$/

export class TaskOutput {
  readonly #id: string
  readonly #tell: (part: OutputPart) => void
  /** Lines that are not looked at yet. */
  #lines: string[] = []
  #characters = 0
  /** Places in them of what is harmless already: of long lines, only the beginning waits. */
  #shown = new Set<number>()
  /** What is not told yet. */
  #part: Buffer | undefined
  #filled = 0
  #timer: NodeJS.Timeout | undefined
  #told = 0
  #left = 0

  constructor(id: string, tell: (part: OutputPart) => void) {
    this.#id = id
    this.#tell = tell
  }

  add(text: string): void {
    if (this.#left > 0) {
      this.#left++
      return
    }
    const isLong = text.length > lineCharacters
    if (isLong) this.#shown.add(this.#lines.length)
    const waiting = isLong ? shownOf(text) : text
    this.#lines.push(waiting)
    this.#characters += waiting.length + 1
    if (this.#characters >= sliceCharacters) this.#look(partBytes)
    this.#timer ??= setTimeout(() => this.flush(), outputMs)
  }

  /** Tells what is left. */
  end(): void {
    this.flush()
    if (this.#left === 0) return
    this.#put(`(${this.#left} more lines are left out)\n`, 'latin1', 0)
    this.flush()
  }

  /** Tells what came since the last time, as far as there is room. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#look(0)
    const bytes = this.#part?.subarray(0, this.#filled)
    if (bytes === undefined) return
    const from = this.#told
    this.#told += bytes.length
    this.#part = undefined
    this.#filled = 0
    this.#tell({ id: this.#id, from, bytes })
  }

  /**
   * Makes the lines harmless and puts them into the part. Some at a time: one look at each would cost most of what output costs, and
   * V8 takes fresh memory from the system for a string of more than 128 KiB, where it uses that of shorter ones again.
   */
  #look(room: number): void {
    const [lines, shown] = [this.#lines, this.#shown]
    if (lines.length === 0) return
    this.#lines = []
    this.#characters = 0
    if (shown.size > 0) this.#shown = new Set()
    lines.push('')
    const text = lines.join('\n')
    lines.pop()
    const before = this.#told + this.#filled
    if (plain.test(text) && before + text.length <= outputBytes) {
      this.#put(text, 'latin1', room)
      return
    }
    const harmless = lines.map((line, at) => (shown.has(at) ? line : shownOf(line)))
    let [fitting, bytes] = [0, before]
    for (const line of harmless) {
      bytes += Buffer.byteLength(line) + 1
      if (bytes > outputBytes) break
      fitting++
    }
    this.#left += lines.length - fitting
    if (fitting > 0) this.#put(`${harmless.slice(0, fitting).join('\n')}\n`, 'utf8', room)
  }

  /** `room`: bytes of the part, if this begins one that more will follow in. */
  #put(text: string, encoding: 'latin1' | 'utf8', room: number): void {
    const bytes = encoding === 'latin1' ? text.length : Buffer.byteLength(text)
    if (this.#part !== undefined && this.#filled + bytes > this.#part.length) this.flush()
    this.#part ??= Buffer.allocUnsafeSlow(Math.max(room, bytes))
    this.#filled += this.#part.write(text, this.#filled, encoding)
  }
}

/** The text with lines that are harmless and not too long. */
function shownOf(text: string): string {
  return text
    .split('\n')
    .map(line => visible(line, lineCharacters))
    .join('\n')
}
