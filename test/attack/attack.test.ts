/** Every attack of the kit that may run beside others is held; those that run alone are in attack.long.test.ts. */

import { describe } from 'node:test'
import { attacks } from './cases.ts'
import { testAttack } from './test-attack.ts'

/** Most of them wait for a time limit of the victim's, so that some can wait at the same time. */
const width = 8

describe('attacks', { concurrency: width }, () => {
  for (const attack of attacks) if (attack.alone !== true) testAttack(attack)
})
