/** What a stolen key of a site's operator can't do: move another site's devices, or the fleet. */

import assert from 'node:assert/strict'
import { followed } from '../../../node/state/releases.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { delegate, releaseAt, signedAt } from '../../helpers/sites.ts'
import type { Attack } from '../attack.ts'
import { forge, metaOf, offerOf } from '../forge.ts'

const thief = testSigner('berlin operator')

export const siteAttacks: Attack[] = [
  {
    id: 'site-key-elsewhere',
    power: 'site key',
    tried: 'signs a release of its site that names a device of another one, and has it published',
    expected: 'the device stays with the release of the fleet',
    async run(arena) {
      delegate(arena.fleet, 'berlin', [thief])
      const certificate = arena.fleet.certify(testSigner('victim'), { name: 'victim', site: 'paris' })
      const victim = await arena.victim({ certificate })
      const { message } = arena.fleet.published.release
      const next = releaseAt(arena.fleet, 'berlin', [thief], { message: 'taken over' })
      await arena.offer(victim, offerOf(arena.fleet, next))
      assert.equal(victim.state.belief?.sites.get('berlin')?.message, 'taken over')
      assert.equal(followed(victim.state.belief, victim.own.certificate)?.message, message)
      await arena.goesOn(victim)
    },
  },
  {
    id: 'site-key-for-fleet',
    power: 'site, snapshot and timestamp keys',
    tried: "signs the fleet's targets",
    expected: 'nothing changes; honest news are taken',
    async run(arena) {
      delegate(arena.fleet, 'berlin', [thief])
      const victim = await arena.victim()
      await arena.refuses(
        victim,
        forge(arena.fleet, { signers: { targets: [thief] } }),
        /targets metadata isn't signed/,
      )
    },
  },
  {
    id: 'site-key-other-role',
    power: 'site, snapshot and timestamp keys',
    tried: "signs another site's role",
    expected: 'nothing changes; honest news are taken',
    async run(arena) {
      delegate(arena.fleet, 'berlin', [thief])
      delegate(arena.fleet, 'paris', [testSigner('paris operator')])
      const victim = await arena.victim()
      const { metadata, bytes } = signedAt(arena.fleet, 'paris', [thief])
      const forged = forge(arena.fleet, {
        twist: (role, signed) =>
          role === 'snapshot'
            ? { ...signed, meta: { ...(signed.meta as object), 'sites/paris.json': metaOf(metadata.bytes, 1) } }
            : signed,
      })
      const documents = [...forged.documents, metadata.bytes, bytes]
      await arena.refuses(victim, { ...forged, documents }, /sites\/paris metadata isn't signed/)
    },
  },
]
