/** A logger whose lines tests can wait for: a victim has decided. Other assertions check its decision. */

import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Logger } from '../../node/process/log.ts'

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly peer?: string
  readonly reason?: string
}

/** Lines that are kept, so that a talkative victim costs no memory that a test would then measure. */
const keptLines = 2000

export class LogLines {
  readonly logger: Logger
  readonly lines: LogLine[] = []

  constructor() {
    const sink = new Writable({
      write: (chunk, _encoding, done) => {
        for (const line of String(chunk).split('\n')) if (line !== '') this.#keep(JSON.parse(line))
        done()
      },
    })
    this.logger = pino({ level: 'debug', base: null }, sink)
  }

  /** How many lines match so far, by message and reason. */
  count(pattern: RegExp, peer?: string): number {
    const matches = (line: LogLine) => pattern.test(line.msg) || pattern.test(line.reason ?? '')
    return this.lines.filter(line => (peer === undefined || line.peer === peer) && matches(line)).length
  }

  #keep(line: LogLine & { libp2p?: string }): void {
    if (line.libp2p !== undefined) return
    this.lines.push(line)
    if (this.lines.length > keptLines) this.lines.shift()
  }
}
