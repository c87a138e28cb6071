/** Every attack of the kit is held: what is asserted lies on the victim's disk and in its memory. */

import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { missingNix } from '../store/real-stores.ts'
import type { Attack } from './attack.ts'
import { attacks } from './cases.ts'
import { DaemonScene } from './daemon-scene.ts'
import { attackLimitMs, runAttack } from './run.ts'

const noNix = await missingNix()
const notRoot = process.getuid?.() !== 0 && 'only root can act as another user'
if (notRoot && process.env.CI === 'true') throw new Error(`expected CI to run as root: ${notRoot}`)

/** Most of them wait for a time limit of the victim's, so that some can wait at the same time. */
const width = 8

describe('attacks', { concurrency: width }, () => {
  for (const attack of attacks.filter(({ alone }) => alone !== true)) {
    it(nameOf(attack), optionsOf(attack), () => holds(attack))
  }
})

describe('attacks that run alone', () => {
  after(() => DaemonScene.end())

  for (const attack of attacks.filter(({ alone }) => alone === true)) {
    it(nameOf(attack), optionsOf(attack), () => holds(attack))
  }
})

function nameOf({ id, power, tried }: Attack): string {
  return `${id}: an attacker with ${power} ${tried}`
}

function optionsOf({ needs }: Attack) {
  return { timeout: 2 * attackLimitMs, skip: (needs !== undefined && noNix) || (needs === 'root' && notRoot) }
}

async function holds(attack: Attack): Promise<void> {
  const { held, reason } = await runAttack(attack)
  assert.ok(held, reason)
}
