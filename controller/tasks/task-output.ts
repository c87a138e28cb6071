/** What a running task says: lines within bounds, harmless for a terminal, told some at a time. */

import { visible } from '../../protocol/encoding/visible.ts'
import { lineCharacters, outputBytes, outputMs, pendingCharacters } from './limits.ts'

/** Lines that came close together. Their only control characters are line breaks, one of them at the end. */
export interface OutputPart {
  /** Of the task. */
  readonly id: string
  /** The byte of the task's output that it begins at. */
  readonly from: number
  readonly text: string
  /** The same in UTF-8. */
  readonly bytes: Uint8Array
}

/** Most output is: it needs no closer look. */
const plain = /^[\n -~]*$/

export class TaskOutput {
  readonly #id: string
  readonly #tell: (part: OutputPart) => void
  /** What is not told yet. */
  #pending: string[] = []
  #characters = 0
  /** Places in it of what is harmless already: of long lines, only the beginning waits. */
  #shown = new Set<number>()
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
    if (isLong) this.#shown.add(this.#pending.length)
    const waiting = isLong ? shownOf(text) : text
    this.#pending.push(waiting)
    this.#characters += waiting.length + 1
    this.#timer ??= setTimeout(() => this.flush(), outputMs)
    if (this.#characters >= pendingCharacters) this.flush()
  }

  /** Tells what is left. */
  end(): void {
    this.flush()
    if (this.#left > 0) this.#tellAs(`(${this.#left} more lines are left out)\n`, 'latin1')
  }

  /** Tells what came since the last time, as far as there is room. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const [pending, shown] = [this.#pending, this.#shown]
    if (pending.length === 0) return
    this.#pending = []
    this.#characters = 0
    this.#shown = new Set()
    // One look at all of them: at each by itself it would cost most of what output costs.
    const text = `${pending.join('\n')}\n`
    if (plain.test(text) && this.#told + text.length <= outputBytes) {
      this.#tellAs(text, 'latin1')
      return
    }
    const lines = pending.map((line, at) => (shown.has(at) ? line : shownOf(line)))
    let [fitting, bytes] = [0, this.#told]
    for (const line of lines) {
      bytes += Buffer.byteLength(line) + 1
      if (bytes > outputBytes) break
      fitting++
    }
    this.#left = lines.length - fitting
    if (fitting > 0) this.#tellAs(`${lines.slice(0, fitting).join('\n')}\n`, 'utf8')
  }

  #tellAs(text: string, encoding: 'latin1' | 'utf8'): void {
    const bytes = Buffer.from(text, encoding)
    const from = this.#told
    this.#told += bytes.length
    this.#tell({ id: this.#id, from, text, bytes })
  }
}

/** The text with lines that are harmless and not too long. */
function shownOf(text: string): string {
  return text
    .split('\n')
    .map(line => visible(line, lineCharacters))
    .join('\n')
}
