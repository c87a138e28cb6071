/** Lines of JSON with a process: what it said so far, what it is told, and waiting for something to be said. */

import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchError } from './bench-error.ts'
import type { Program } from './program.ts'

export class Talk<News> {
  readonly said: News[] = []
  readonly #program: Program
  #heard = Promise.withResolvers<void>()

  /** With a program that was started with `talks`. */
  constructor(program: Program) {
    this.#program = program
    const { stdout } = program.child
    if (stdout === null) throw new BenchError('not-started', 'expected a process with a standard output, got none')
    createInterface({ input: stdout }).on('line', line => {
      this.said.push(JSON.parse(line))
      this.#heard.resolve()
      this.#heard = Promise.withResolvers()
    })
  }

  tell(order: object): void {
    this.#program.child.stdin?.write(`${JSON.stringify(order)}\n`)
  }

  /** The first that `find` finds something in; rejects with what `late` makes of it when nothing comes in time. */
  async wait<T>(
    limitMs: number,
    find: (news: News, index: number) => T | undefined | false,
    late: () => Promise<BenchError>,
  ): Promise<T> {
    const deadline = Date.now() + limitMs
    let next = 0
    for (;;) {
      for (; next < this.said.length; next++) {
        const found = find(this.said[next] as News, next)
        if (found !== undefined && found !== false) return found
      }
      if (Date.now() > deadline || !this.#program.running) throw await late()
      await Promise.race([this.#heard.promise, sleep(200)])
    }
  }
}
