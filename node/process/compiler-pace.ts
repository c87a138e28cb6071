/** Keeps V8's compilers out of a daemon that has little to do, and lets them in for work. */

import { setFlagsFromString } from 'node:v8'

/** V8's own counts: calls of a function before it is watched and compiled a first time, before it is optimised, and rounds of a loop before that. */
const own = [
  '--invocation-count-for-feedback-allocation=8',
  '--invocation-count-for-turbofan=3000',
  '--invocation-count-for-osr=500',
] as const
/**
 * Counts that hardly anything reaches while a daemon starts and idles. What was watched and compiled takes 2.5 MiB of the heap then, and an optimising compiler that isn't
 * used isn't loaded: 6 MiB of Node's executable. A process is started with them (`nix/node-flags.json`): its start calls some functions 30,000 times.
 */
export const patient = [
  '--invocation-count-for-feedback-allocation=1000',
  '--invocation-count-for-turbofan=300000',
  '--invocation-count-for-osr=50000',
] as const

/** V8 reads the counts on the main thread, when a function has run for a while; so they may be set at any time. */
export class CompilerPace {
  readonly #isPatient: boolean
  readonly #setFlag: (flag: string) => void
  #holders = 0

  constructor(startedWith: readonly string[] = process.execArgv, setFlag: (flag: string) => void = setFlagsFromString) {
    this.#isPatient = patient.every(flag => startedWith.includes(flag))
    this.#setFlag = setFlag
  }

  /** Has V8 compile by its own counts until every caller has called the returned function. Nothing in a process that always does. */
  hurry(): () => void {
    if (this.#holders++ === 0) this.#set(own)
    let ended = false
    return () => {
      if (ended) return
      ended = true
      if (--this.#holders === 0) this.#set(patient)
    }
  }

  #set(flags: readonly string[]): void {
    if (this.#isPatient) for (const flag of flags) this.#setFlag(flag)
  }
}

/** The flags are those of the process, with all of its threads. */
export const compilerPace = new CompilerPace()
