/** An attack of the kit as a test: what is asserted lies on the victim's disk and in its memory. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { missingNix } from '../store/real-stores.ts'
import type { Attack } from './attack.ts'
import { attackLimitMs, runAttack } from './run.ts'

const noNix = await missingNix()
const notRoot = process.getuid?.() !== 0 && 'only root can act as another user'
if (notRoot && process.env.CI === 'true') throw new Error(`expected CI to run as root: ${notRoot}`)

export function testAttack(attack: Attack): void {
  const { id, power, tried, needs } = attack
  const options = { timeout: 2 * attackLimitMs, skip: (needs !== undefined && noNix) || (needs === 'root' && notRoot) }
  it(`${id}: an attacker with ${power} ${tried}`, options, async () => {
    const { held, reason } = await runAttack(attack)
    assert.ok(held, reason)
  })
}
