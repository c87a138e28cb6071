/**
 * Makes an asciicast of version 2 (https://docs.asciinema.org/manual/asciicast/v2/) of what script(1) writes: the first line
 * says how large the terminal is, what follows is what the terminal showed.
 */

import { StringDecoder } from 'node:string_decoder'

export interface CastAbout {
  /** Seconds since 1970, where the device knows them. */
  readonly timestamp?: number | undefined
  readonly title: string
}

/** The longest first line of script(1) that is waited for. */
const maxFirstLine = 4096
const started = 'Script started on '

export class Asciicast {
  readonly #about: CastAbout
  readonly #decoder = new StringDecoder('utf8')
  /** What came before the first line was whole; undefined from then on. */
  #first: string | undefined = ''

  constructor(about: CastAbout) {
    this.#about = about
  }

  /** The lines for what came `seconds` after the beginning; an empty text if nothing is complete yet. */
  add(bytes: Uint8Array, seconds: number): string {
    const text = this.#decoder.write(bytes)
    if (this.#first === undefined) return eventOf(seconds, text)
    this.#first += text
    const isHead = started.startsWith(this.#first.slice(0, started.length))
    const end = this.#first.indexOf('\n')
    if (isHead && end < 0 && this.#first.length < maxFirstLine) return ''
    const [head, rest] =
      isHead && end >= 0 ? [this.#first.slice(0, end), this.#first.slice(end + 1)] : ['', this.#first]
    this.#first = undefined
    return this.#header(head) + eventOf(seconds, rest)
  }

  /** What is left at the end. */
  end(seconds: number): string {
    const rest = this.#decoder.end()
    if (this.#first === undefined) return eventOf(seconds, rest)
    const first = this.#first + rest
    this.#first = undefined
    return this.#header('') + eventOf(seconds, first)
  }

  #header(line: string): string {
    const field = (name: string) => new RegExp(`\\b${name}="([^"]{1,64})"`).exec(line)?.[1]
    const size = (name: string, usual: number) => {
      const number = Number(field(name))
      return Number.isInteger(number) && number >= 1 && number <= 1000 ? number : usual
    }
    const { timestamp, title } = this.#about
    const term = field('TERM')
    const header = {
      ...{ version: 2, width: size('COLUMNS', 80), height: size('LINES', 24) },
      ...(timestamp !== undefined && { timestamp }),
      title,
      ...(term !== undefined && { env: { TERM: term } }),
    }
    return `${JSON.stringify(header)}\n`
  }
}

function eventOf(seconds: number, text: string): string {
  return text === '' ? '' : `${JSON.stringify([Math.round(seconds * 1000) / 1000, 'o', text])}\n`
}
