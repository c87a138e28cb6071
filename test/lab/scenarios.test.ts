/** The part of the lab's scenarios that runs with all other tests; `scripts/lab` runs the whole. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import { labSkip } from './needs.ts'
import { healthy } from './scenarios/healthy.ts'
import { powerCutOnce } from './scenarios/power-cut.ts'
import { runScenario } from './scenarios/scenario.ts'

describe('devices that are real machines', { skip: labSkip() || nixSkip() }, () => {
  for (const scenario of [healthy, powerCutOnce]) {
    it(scenario.title, async () => {
      const trials = await runScenario(scenario)
      assert.deepEqual(
        trials.filter(({ held }) => !held),
        [],
      )
    })
  }
})
