/** Five minutes of `scripts/soak`: daemons that fetch in a loop stay as they are, and a silent connection is held. */

import assert from 'node:assert/strict'
import { Bench } from '../../../scripts/src/bench/bench.ts'
import { nodeOptions } from '../../../scripts/src/bundle.ts'
import { shippedProgram } from '../../../scripts/src/soak/shipped.ts'
import { soak as run } from '../../../scripts/src/soak/soak.ts'
import type { Scenario } from './scenario.ts'

const minutes = 5

export const soak: Scenario = {
  name: 'soak',
  title: 'daemons that fetch in a loop stay as they are, and a silent connection is held',
  async run(trials) {
    await using made = new AsyncDisposableStack()
    const bench = new Bench({ say: () => {}, thymesh: [await shippedProgram(made)], node: await nodeOptions() })
    made.defer(() => bench.dispose())
    await trials.of(`${minutes} minutes of fetches and of silence`, async () => {
      const { problems, rounds, silence } = await run({ minutes, bench })
      assert.deepEqual(problems, [])
      return `${rounds.rounds} closures for each device; ${silence.probes} probes, a message in ${Math.round(silence.messageMs ?? 0)} ms`
    })
  },
}
