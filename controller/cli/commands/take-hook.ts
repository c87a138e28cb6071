/** Tells a program how far a bundle is: whoever put in a stick has no terminal, but may see a light. */

import { runProgram } from '../../../node/process/run-program.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { writeText } from '../../format/terminal.ts'

/** A light is switched in an instant. */
const hookMs = 10_000

export class TakeHook {
  readonly #program: string | undefined
  /** One call after another, so that the last one is right. */
  #calls: Promise<void> = Promise.resolve()
  #tenth = -1

  constructor(program: string | undefined) {
    this.#program = program
  }

  /** `seen`, `reading` with a percentage, `done`, `incomplete`, `refused` with a code. A hook that fails stops nothing. */
  tell(...words: readonly string[]): Promise<void> {
    const program = this.#program
    if (program === undefined) return this.#calls
    this.#calls = this.#calls.then(() => call(program, words))
    return this.#calls
  }

  /** Once for each tenth. */
  reading(done: number, total: number): Promise<void> {
    const tenth = total === 0 ? 10 : Math.min(10, Math.floor((done / total) * 10))
    if (tenth <= this.#tenth) return this.#calls
    this.#tenth = tenth
    return this.tell('reading', String(tenth * 10))
  }
}

async function call(program: string, words: readonly string[]): Promise<void> {
  try {
    await runProgram(program, words, { timeoutMs: hookMs, lines: 10 })
  } catch (thrown) {
    writeText('stderr', `The hook ${program} failed: ${messageOf(thrown)}`)
  }
}
