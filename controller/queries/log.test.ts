/** Tests of the audit log: who signed what, of the fleet and of sites, out of what this controller has kept. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FleetState } from '../../node/state/fleet-state.ts'
import { toHex } from '../../protocol/encoding/hash.ts'
import type { Published } from '../../protocol/trust/publish.ts'
import { namedSiteRelease } from '../../protocol/trust/sites.ts'
import { testFleet, testSigner } from '../../test/helpers/fleet.ts'
import { delegate, releaseAt } from '../../test/helpers/sites.ts'
import { testState } from '../../test/helpers/state.ts'
import { AuditTrail } from '../fleet/audit-trail.ts'
import { auditLog } from './log.ts'

const kim = testSigner('kim')
const lee = testSigner('lee')

describe('the audit log', () => {
  it("tells a site's releases from the fleet's, with the keys that counted then", async t => {
    const fleet = testFleet()
    const { database, clock } = await testState(t, { now: fleet.now })
    const state = await FleetState.load(fleet.fleet, database, clock)
    let trail = await AuditTrail.open(database.table('audit'), () => fleet.now)
    const accept = async (next: Published) => {
      await state.accept(next.trusted, async ({ hash }) => fleet.document(hash) ?? new Uint8Array())
      await trail.note(state)
      await trail.note(state)
    }
    await accept(fleet.published)
    await accept(delegate(fleet, 'berlin', [kim]))
    await accept(releaseAt(fleet, 'berlin', [kim], { message: 'of kim' }))
    // A restart notes nothing twice.
    trail = await AuditTrail.open(database.table('audit'), () => fleet.now)
    await trail.note(state)
    await accept(delegate(fleet, 'berlin', [lee]))
    const second = releaseAt(fleet, 'berlin', [lee], { message: 'of lee' })
    await accept(second)
    await accept(delegate(fleet, 'berlin', []))
    await accept(fleet.release({ message: 'of the fleet' }))
    // Documents of the log are kept as long as the log lists them.
    const documents = new Set(await trail.documents())
    const named = namedSiteRelease(second.trusted, 'berlin')
    assert.ok(named && documents.has(toHex(named.hash)))
    const releases = (await auditLog({ state } as never, trail)).filter(({ what }) => what === 'release')
    assert.deepEqual(
      releases.map(({ site, version, message, signers }) => [site, version, message, signers.map(({ key }) => key)]),
      [
        [null, 1, 'the fleet was founded', [fleet.keys.targets.keyId]],
        [
          null,
          2,
          `site berlin: releases of its own, signed by 1 of the keys ${kim.keyId.slice(0, 16)}; the fleet was founded`,
          [fleet.keys.targets.keyId],
        ],
        ['berlin', 1, 'of kim', [kim.keyId]],
        [
          null,
          3,
          `site berlin: releases of its own, signed by 1 of the keys ${lee.keyId.slice(0, 16)}; the fleet was founded`,
          [fleet.keys.targets.keyId],
        ],
        ['berlin', 2, 'of lee', [lee.keyId]],
        [
          null,
          4,
          'site berlin: has no operators of its own any more; the fleet was founded',
          [fleet.keys.targets.keyId],
        ],
        [null, 5, 'of the fleet', [fleet.keys.targets.keyId]],
      ],
    )
  })
})
