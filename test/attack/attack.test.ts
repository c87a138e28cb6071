/** Every attack of the kit is held: what is asserted lies on the victim's disk and in its memory. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attacks } from './cases.ts'
import { attackLimitMs, runAttack } from './run.ts'

/** Most of them wait for a time limit of the victim's, so that some can wait at the same time. */
const width = 6

describe('attacks', { concurrency: width }, () => {
  for (const attack of attacks.filter(({ alone }) => alone !== true)) {
    it(`${attack.id}: who has ${attack.power} ${attack.tried}`, { timeout: 2 * attackLimitMs }, () => holds(attack))
  }
})

describe('attacks that run alone', () => {
  for (const attack of attacks.filter(({ alone }) => alone === true)) {
    it(`${attack.id}: who has ${attack.power} ${attack.tried}`, { timeout: 2 * attackLimitMs }, () => holds(attack))
  }
})

async function holds(attack: (typeof attacks)[number]): Promise<void> {
  const { held, reason } = await runAttack(attack)
  assert.ok(held, reason)
}
