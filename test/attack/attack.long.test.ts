/** Every attack of the kit that needs the machine for itself is held: floods and crowds. */

import { after, describe } from 'node:test'
import { attacks } from './cases.ts'
import { DaemonScene } from './daemon-scene.ts'
import { testAttack } from './test-attack.ts'

describe('attacks that run alone', () => {
  after(() => DaemonScene.end())
  for (const attack of attacks) if (attack.alone === true) testAttack(attack)
})
