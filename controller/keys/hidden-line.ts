/** Reads a line that a person types or pastes without an echo, character by character. */

import { StringDecoder } from 'node:string_decoder'

/** Keys that aren't text: arrows, function keys, and the marks that terminals put around what is pasted. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what they begin with.
const escapeSequence = /^\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O.|[^[O])/
const eraseLine = '\u0015'
const interrupt = '\u0003'
const endOfInput = '\u0004'

export class HiddenLine {
  readonly #decoder = new StringDecoder('utf8')
  readonly #characters: string[] = []
  /** Received bytes that are incomplete or belong to the next line. */
  #rest = ''

  /** Takes bytes as they come: `line` when it has ended, `left` for Ctrl-C, nothing before. */
  take(bytes: Uint8Array): 'line' | 'left' | undefined {
    this.#rest += this.#decoder.write(Buffer.from(bytes))
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (next === interrupt) return 'left'
      if (next === '\r' || next === '\n' || next === endOfInput) {
        // A line of another system's editor ends in both.
        if (next === '\r' && this.#rest.startsWith('\n')) this.#rest = this.#rest.slice(1)
        return 'line'
      }
      if (next === eraseLine) this.#characters.length = 0
      else if (next === '\u007f' || next === '\b') this.#characters.pop()
      else if (next.startsWith('\x1b')) continue
      else this.#characters.push(next)
    }
    return undefined
  }

  get text(): string {
    return this.#characters.join('')
  }

  /** The rest after the line: two pasted lines answer two prompts. */
  get rest(): Buffer {
    return Buffer.from(this.#rest)
  }

  /** The next character or key; nothing while it isn't whole. */
  #next(): string | undefined {
    const [first] = this.#rest
    if (first === undefined) return undefined
    const next = first === '\x1b' ? escapeSequence.exec(this.#rest)?.[0] : first
    if (next !== undefined) this.#rest = this.#rest.slice(next.length)
    return next
  }
}
