/** A scenario of the lab: faults injected into real machines, each of which has to end as it should. */

import { messageOf } from '../../../protocol/errors.ts'

/** One fault, done once. */
export interface Trial {
  readonly scenario: string
  readonly fault: string
  /** Whether it ended as it should. */
  readonly held: boolean
  /** The fault. */
  readonly reason?: string
  /** The measured figure. */
  readonly note?: string
  readonly seconds: number
}

export interface Scenario {
  readonly name: string
  /** A description in a line. */
  readonly title: string
  run(trials: Trials): Promise<void>
}

/** Takes down how each fault ended. */
export class Trials {
  readonly all: Trial[] = []
  readonly #scenario: string
  readonly #onTrial: (trial: Trial) => void

  constructor(scenario: string, onTrial: (trial: Trial) => void = () => {}) {
    this.#scenario = scenario
    this.#onTrial = onTrial
  }

  /**
   * Does a fault and asserts how it ends; what is thrown is the verdict, and the next fault is done all the same. Text that
   * it resolves to is told: what it measured.
   */
  async of(fault: string, work: () => Promise<unknown>): Promise<void> {
    const began = performance.now()
    let note: string | undefined
    const reason = await work().then(
      measured => {
        if (typeof measured === 'string') note = measured
        return undefined
      },
      (thrown: unknown) => messageOf(thrown),
    )
    const seconds = Math.round((performance.now() - began) / 100) / 10
    const trial = {
      scenario: this.#scenario,
      fault,
      held: reason === undefined,
      seconds,
      ...(reason !== undefined && { reason }),
      ...(note !== undefined && { note }),
    }
    this.all.push(trial)
    this.#onTrial(trial)
  }
}

/** Runs a scenario to its end. One that can't even begin counts as a fault that ended badly. */
export async function runScenario(scenario: Scenario, onTrial?: (trial: Trial) => void): Promise<readonly Trial[]> {
  const trials = new Trials(scenario.name, onTrial)
  try {
    await scenario.run(trials)
    if (trials.all.length === 0) throw new Error(`expected ${scenario.name} to do a fault, it did none`)
  } catch (thrown) {
    await trials.of('set-up', () => Promise.reject(thrown))
  }
  return trials.all
}
