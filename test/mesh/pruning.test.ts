/** Tests of pruning: peers keep all that a peer back after a long sleep, or an operator's audit log, still needs. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { AuditTrail } from '../../controller/fleet/audit-trail.ts'
import { auditLog } from '../../controller/queries/log.ts'
import { keptReleases } from '../../node/state/limits.ts'
import { signMetadata } from '../../protocol/trust/metadata.ts'
import { nextRoot } from '../../protocol/trust/next-root.ts'
import { updateRoot } from '../../protocol/trust/trusted-set.ts'
import { connect, documentsOf, liveFleet, Mesh } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

const many = keptReleases + 8

it('gives a peer that slept through it all every root and the newest release, after a pruning', async t => {
  const mesh = await Mesh.of(t)
  const fleet = liveFleet()
  const founded = fleet.published
  const sleeper = await mesh.start({ word: 'sleeper', fleet, trusts: founded })
  const awake = await mesh.start({ word: 'awake', fleet, trusts: founded })
  for (let version = 2; version <= 4; version++) {
    const { trusted } = awake.state
    assert.ok(trusted)
    const root = signMetadata(
      'root',
      nextRoot(trusted, { add: [], remove: [], thresholds: {}, dropNixKeys: [] }, new Date()),
      [fleet.keys.root],
    )
    await awake.state.keepRoot(updateRoot(trusted, root.bytes))
  }
  const roots = awake.state.trusted?.root
  for (let release = 2; release <= many; release++) {
    const { trusted } = fleet.release({ message: `release ${release}` })
    await awake.state.accept({ ...trusted, ...(roots && { root: roots }) }, documentsOf(fleet))
  }
  // The first one spares what this process has just kept.
  await awake.pruner.prune()
  await awake.pruner.prune()
  assert.equal((await awake.state.releaseVersions()).length, keptReleases)
  await connect(sleeper, awake)
  await until(() => sleeper.state.accepted?.release.version === many, 'the newest release')
  assert.deepEqual(sleeper.state.versions, { root: 4, timestamp: many })
})

it('shows a controller all that was signed, after a pruning', async t => {
  const mesh = await Mesh.of(t)
  const fleet = liveFleet()
  const controller = await mesh.make({ word: 'ada', fleet, trusts: fleet.published })
  const trail = await AuditTrail.open(controller.door.auditTable)
  await trail.follow(controller.state)
  controller.pruner.addRoots(() => trail.documents())
  for (let release = 2; release <= many; release++) {
    await controller.state.accept(fleet.release({ message: `release ${release}` }).trusted, documentsOf(fleet))
  }
  await controller.state.accept(fleet.revoke({ peers: [controller.identity.peerId] }).trusted, documentsOf(fleet))
  const before = await auditLog(controller, trail)
  await controller.pruner.prune()
  await controller.pruner.prune()
  assert.deepEqual(await auditLog(controller, trail), before)
  assert.equal(
    before.filter(({ what, message }) => what === 'release' && message.startsWith('release ')).length,
    many - 1,
  )
})
