/** Members that say they have something and never hand it out, so that others wait for it. */

import assert from 'node:assert/strict'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { connect } from '../../helpers/mesh.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import type { HostilePeer } from '../hostile-peer.ts'

/** All say that they have newer metadata, and answer no question. */
async function stall(victim: Victim, stallers: readonly HostilePeer[]): Promise<void> {
  for (const staller of stallers) {
    await staller.serve({ twist: () => 'stall' })
    await staller.join(victim, { root: 9, timestamp: 99 })
  }
  await until(() => stallers.some(({ asked }) => asked.length > 0), 'the victim to ask')
}

const three = (arena: Arena) => Promise.all(['one', 'two', 'three'].map(word => arena.hostile(word)))

export const stallAttacks: Attack[] = [
  {
    id: 'stall-news',
    power: 'device key',
    tried: 'says with two other keys that it has news, and answers no question about them',
    expected: 'honest news are fetched beside them, and the next news do not wait for them again',
    async run(arena) {
      const victim = await arena.victim()
      await stall(victim, await three(arena))
      await arena.goesOn(victim)
    },
  },
  {
    id: 'stall-news-token',
    power: 'join token',
    tried: 'does the same under 24 identities',
    expected: 'they have one share together: honest news are fetched beside them',
    async run(arena) {
      const victim = await arena.victim()
      await stall(victim, await arena.crowd(24))
      await arena.goesOn(victim)
    },
  },
  {
    id: 'stall-document',
    power: 'device key',
    tried: 'takes questions for a document with two other keys, and answers none',
    expected: 'another member is asked beside them; next time they are asked last',
    async run(arena) {
      const victim = await arena.victim()
      const wanted = arena.fleet.published.trusted.snapshot?.bytes
      assert.ok(wanted)
      const stallers = await three(arena)
      for (const staller of stallers) {
        await staller.serve({ twist: () => 'stall' })
        await staller.join(victim)
      }
      await connect(await arena.honest(), victim)
      await victim.documents.fetch(sha256(wanted), undefined, AbortSignal.timeout(45_000))
      const asked = () => stallers.flatMap(staller => staller.asked).length
      assert.ok(asked() > 0)
      // On a busy machine the honest one may be late once, too, and they are asked beside it.
      const spared = async () => {
        const before = asked()
        await victim.documents.fetch(sha256(wanted), undefined, AbortSignal.timeout(120_000))
        return asked() === before
      }
      await until(spared, 'a fetch that asks none of them')
    },
  },
]
