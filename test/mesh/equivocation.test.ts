/** Two documents of one version, and stolen keys of the timestamp role: held, told of, and recovered from. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { timeText } from '../../protocol/encoding/fields.ts'
import { makeSnapshot, makeTimestamp, signMetadata } from '../../protocol/trust/metadata.ts'
import type { Published } from '../../protocol/trust/publish.ts'
import { type TrustedSet, updateRoot } from '../../protocol/trust/trusted-set.ts'
import { daysAfter, type TestFleet, testSigner } from '../helpers/fleet.ts'
import {
  addressesOf,
  connect,
  documentsOf,
  gossiping,
  isMember,
  liveFleet,
  Mesh,
  type TestPeer,
} from '../helpers/mesh.ts'
import { testRoot } from '../helpers/metadata.ts'
import { publishRelease } from '../helpers/publish-release.ts'
import { until } from '../helpers/until.ts'

const content = (message: string) => ({ message, configs: {}, devices: {} })

/** Signs on top of what is given, beside what the fleet has published; its documents can be found like the others. */
function signedBeside(
  fleet: TestFleet,
  on: TrustedSet,
  message: string,
  keys = fleet.keys,
  now = fleet.now,
): Published {
  const published = publishRelease(on, fleet.fleet, content(message), keys, now)
  ;(fleet.history as Published[]).push(published)
  return published
}

const alarms = (peer: TestPeer) => peer.meshStatus.fields.alarms ?? []

describe('two releases of one version', () => {
  it('are held by all who hear of both, never chosen from, until a higher version comes', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const founded = fleet.published
    const one = signedBeside(fleet, founded.trusted, 'one')
    const other = signedBeside(fleet, founded.trusted, 'another')
    const [a, b] = [
      await made.start({ word: 'a', fleet, trusts: one }),
      await made.start({ word: 'b', fleet, trusts: one }),
    ]
    const thief = await made.start({ word: 'thief', fleet, trusts: other })
    for (const { supervisor } of [a, b, thief]) supervisor.stop()
    await connect(a, b)
    await gossiping([a, b])
    await connect(b, thief)
    await gossiping([b, thief])
    thief.gossip.publishHead()
    for (const peer of [a, b]) {
      await until(() => peer.meshStatus.held, `${peer.word} to see both`)
      assert.deepEqual(
        alarms(peer).map(({ subject }) => subject),
        ['snapshot 2', 'targets 2'],
      )
      assert.equal(peer.state.accepted?.release.message, 'one', 'the first accepted release stays accepted')
      const kept = peer.evidence
        .all()
        .find(({ subject }) => subject === 'timestamp 2')
        ?.documents.map(each => Buffer.from(each))
      const signed = [one, other].map(({ trusted }) => Buffer.from(trusted.timestamp?.bytes ?? []))
      assert.deepEqual(kept, signed)
    }
    const next = signedBeside(fleet, one.trusted, 'the operator has looked')
    await a.state.accept(next.trusted, documentsOf(fleet))
    for (const peer of [a, b, thief]) {
      await until(() => peer.state.accepted?.release.version === 3, `${peer.word} to go on`)
      await until(() => !peer.meshStatus.held, `${peer.word} to be free again`)
    }
    assert.equal(a.evidence.all().length, 3, 'the evidence stays')
  })

  it('are found below newer timestamps and snapshots too', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const founded = fleet.published
    const one = signedBeside(fleet, founded.trusted, 'one')
    const other = signedBeside(fleet, founded.trusted, 'another')
    const { targets, delegated } = other.trusted
    assert.ok(targets)
    // By a thief of the keys of all three roles: newer than the first in all but the targets.
    const expires = timeText(daysAfter(fleet.now, 100))
    const roles = { ...delegated, targets }
    const snapshot = signMetadata('snapshot', makeSnapshot({ version: 7, expires, roles }), [fleet.keys.snapshot])
    const timestamp = signMetadata('timestamp', makeTimestamp({ version: 7, expires, snapshot }), [
      fleet.keys.timestamp,
    ])
    const hidden = { ...other, trusted: { ...other.trusted, snapshot, timestamp } }
    const peer = await made.start({ word: 'peer', fleet, trusts: one })
    const thief = await made.start({ word: 'thief', fleet, trusts: hidden })
    await connect(peer, thief)
    await until(() => alarms(peer).length > 0, 'the peer to see both')
    assert.deepEqual(alarms(peer), [{ kind: 'equivocation', subject: 'targets 2' }])
    assert.equal(peer.state.accepted?.release.message, 'one')
    assert.equal(peer.state.versions.timestamp, 2)
  })
})

describe('a stolen timestamp key', () => {
  it('that ran versions and time far ahead is forgotten with a new root, by a device without a clock too', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const { keys, published: founded, now } = fleet
    const thiefTime = daysAfter(now, 300)
    const ahead = signedBeside(fleet, founded.trusted, 'ahead', keys, thiefTime)
    const { snapshot } = ahead.trusted
    assert.ok(snapshot)
    const last = makeTimestamp({ version: 2 ** 40, expires: timeText(daysAfter(now, 9000)), snapshot })
    const timestamp = signMetadata('timestamp', last, [keys.timestamp])
    const stolen = { ...ahead, trusted: { ...ahead.trusted, timestamp } }
    const victim = await made.start({ word: 'victim', fleet, trusts: stolen, settings: { clock: 'none' } })
    assert.equal(victim.state.versions.timestamp, 2 ** 40)
    assert.deepEqual(victim.peerState.clock.reference, thiefTime)
    const [newTimestamp, newSnapshot] = [testSigner('new timestamp'), testSigner('new snapshot')]
    const root = testRoot({
      version: 2,
      roles: { timestamp: [newTimestamp], snapshot: [newSnapshot] },
      signers: [keys.root],
      now,
    })
    // An honest release on top: its metadata would have expired, were the thief's time the true one.
    const rotated = { ...keys, timestamp: newTimestamp, snapshot: newSnapshot }
    const early = daysAfter(now, -200)
    const recovered = signedBeside(fleet, updateRoot(ahead.trusted, root), 'recovered', rotated, early)
    const source = await made.start({ word: 'source', fleet, trusts: founded })
    await source.state.accept(recovered.trusted, documentsOf(fleet))
    await connect(victim, source)
    await until(() => victim.state.accepted?.release.message === 'recovered', 'the victim to recover')
    assert.equal(victim.state.versions.timestamp, 1)
    assert.ok(victim.peerState.clock.reference < thiefTime)
    assert.ok(isMember(victim, source) && addressesOf(victim).length > 0)
  })
})
