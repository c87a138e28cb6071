/** Members that were revoked, tokens that leaked, keys in two hands: who was let in once and is no friend now. */

import assert from 'node:assert/strict'
import { timeText } from '../../../protocol/encoding/fields.ts'
import { certificateKind } from '../../../protocol/members/certificate.ts'
import { grantKind, tokenIdOf } from '../../../protocol/members/join-token.ts'
import { type Report, reportKind } from '../../../protocol/report/report.ts'
import { readEnvelope, signEnvelope } from '../../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { daysAfter, testSigner } from '../../helpers/fleet.ts'
import { connect } from '../../helpers/mesh.ts'
import { signedJson, signJson } from '../../helpers/metadata.ts'
import { dump } from '../../helpers/state.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { forge, metaOf, offerOf } from '../forge.ts'
import type { HostilePeer } from '../hostile-peer.ts'
import { judged } from './extensions.ts'

/** The victim hears of what the fleet published last, from an honest peer. */
async function hears(arena: Arena, victim: Victim): Promise<void> {
  const { timestamp } = arena.fleet.published.trusted
  await connect(await arena.honest(), victim)
  const heard = () => victim.state.accepted?.trusted.timestamp?.signed.version === timestamp?.signed.version
  await until(heard, 'the victim to hear of it')
}

/** It is gone, gets nothing, and comes back to a closed door; nothing of it is left on disk or in memory. */
async function isOut(arena: Arena, victim: Victim, hostile: HostilePeer): Promise<void> {
  await until(() => victim.host.getConnections(hostile.host.peerId).length === 0, 'it to be dropped')
  assert.equal(victim.admission.member(hostile.host.peerId), undefined)
  assert.ok(victim.admission.isRefused(hostile.id))
  await until(() => victim.directory.certificate(hostile.id) === undefined, 'it to be forgotten')
  const isGone = async () => {
    const lines = await dump(victim.peerState.database, ['members', 'reports'])
    return lines.every(line => !line.includes(hostile.id))
  }
  await until(isGone, 'it to be gone from the disk')
  // Where nobody has met it, its certificate is refused, not only its connection.
  const other = await arena.victim({ word: 'other' })
  const { connection, verdict } = await hostile.greet(other)
  assert.equal(verdict.admitted, false)
  await assert.rejects(hostile.ask(connection, { head: true }))
  assert.deepEqual(other.admission.members, [])
}

export const memberAttacks: Attack[] = [
  {
    id: 'revoked-member',
    power: 'revoked device',
    tried: 'stays connected while it is revoked, and comes back to this peer and to others',
    expected: 'dropped as the revocation arrives, served nothing, forgotten on disk and in memory, refused everywhere',
    async run(arena) {
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      await hostile.join(victim)
      await until(() => victim.directory.certificate(hostile.id), 'its certificate')
      arena.fleet.revoke({ peers: [hostile.id] })
      await hears(arena, victim)
      await isOut(arena, victim, hostile)
    },
  },
  {
    id: 'revoked-by-sync',
    power: 'revoked device',
    tried: "spreads its own certificate by another member's sync after it was revoked",
    expected: 'not taken; not on disk',
    async run(arena) {
      const bad = testSigner('bad')
      const peer = peerIdOf(bad.publicKey)
      const certificate = arena.fleet.certify(bad, { name: 'bad' })
      arena.fleet.revoke({ peers: [peer] })
      const victim = await arena.victim()
      const friend = await arena.hostile('friend')
      await friend.sync(await friend.join(victim), {}, [{ certificate, peer }])
      assert.equal(victim.directory.certificate(peer), undefined)
      assert.equal(await victim.peerState.database.table('members').get(peer), undefined)
    },
  },
  {
    id: 'revoked-token',
    power: 'join token',
    tried: 'joins with a leaked token, before and after the token is revoked',
    expected: 'devices that joined with it are dropped and forgotten; nobody joins with it any more',
    async run(arena) {
      const token = arena.fleet.token({ names: 'kiosk-*' })
      const join = (word: string) => arena.fleet.join(token, testSigner(word), { name: `kiosk-${word}` })
      const victim = await arena.victim()
      const hostile = await arena.hostile('one', join('one'))
      await hostile.join(victim)
      arena.fleet.revoke({ tokens: [tokenIdOf(readEnvelope(grantKind, token.grant).document)] })
      await hears(arena, victim)
      await isOut(arena, victim, hostile)
      const { verdict } = await (await arena.hostile('two', join('two'))).greet(victim)
      assert.equal(verdict.admitted, false)
    },
  },
  {
    id: 'revocation-rolled-back',
    power: 'snapshot and timestamp keys',
    tried: 'signs a newer head over the list of members from before its revocation',
    expected: 'nothing changes: the list of revoked members never goes back; it stays out',
    async run(arena) {
      const before = arena.fleet.published
      const victim = await arena.victim()
      const bad = testSigner('bad')
      arena.fleet.revoke({ peers: [peerIdOf(bad.publicKey)] })
      await hears(arena, victim)
      const old = before.trusted.delegated.members?.bytes
      assert.ok(old)
      const forged = forge(arena.fleet, {
        twist: (role, signed) =>
          role === 'snapshot'
            ? { ...signed, meta: { ...(signed.meta as object), 'members.json': metaOf(old, 1) } }
            : signed,
      })
      const trust = await arena.trust(victim)
      const documents = [...forged.documents, old]
      const { id } = await arena.offer(victim, { ...forged, documents })
      assert.ok(victim.log.count(/members.json version 2 or higher/, id) > 0)
      assert.deepEqual(await arena.trust(victim), trust)
      const { verdict } = await (await arena.hostile('bad')).greet(victim)
      assert.equal(verdict.admitted, false)
    },
  },
  {
    id: 'cloned-key',
    power: 'device key',
    tried: 'runs beside the device whose key it has, and reports in its name',
    expected: 'both are seen: kept as evidence on disk, and reported',
    async run(arena) {
      const victim = await arena.victim()
      const device = testSigner('hostile')
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      await until(() => victim.directory.certificate(hostile.id), 'its certificate')
      const report = (counter: number, boot: string) => {
        const { fleet } = arena.fleet
        const base: Report = { v: 1, fleet, peer: hostile.id, counter, state: 'waiting', freshness: 'fresh' }
        return { report: signEnvelope(reportKind, { ...base, boot: Buffer.alloc(8, boot) }, device) }
      }
      await hostile.sync(connection, {}, [report(1, 'a'), report(2, 'b'), report(3, 'a')])
      const alarm = () =>
        victim.evidence.alarms().some(({ kind, subject }) => kind === 'clone' && subject === hostile.id)
      await until(alarm, 'the clone to be seen')
      const kept = () => dump(victim.peerState.database, ['evidence'])
      await until(async () => (await kept()).some(line => line.includes(hostile.id)), 'the evidence to be on disk')
      assert.ok(victim.meshStatus.fields.alarms?.some(({ subject }) => subject === hostile.id))
    },
  },
  {
    id: 'equivocation-evidence',
    power: 'targets, snapshot and timestamp keys',
    tried: 'shows one peer one release and another peer a different one of the same version',
    expected: 'both documents are kept on disk, updates are held, reports say so; the next honest release ends it',
    async run(arena) {
      const first = arena.fleet.published
      arena.fleet.release({ message: 'the honest one' })
      const victim = await arena.victim()
      const forged = forge(arena.fleet, { on: first, release: { message: 'the other one' } })
      await arena.offer(victim, forged)
      await until(() => victim.meshStatus.held, 'updates to be held')
      const kept = async () => (await dump(victim.peerState.database, ['evidence'])).join()
      await until(async () => /equivocation/.test(await kept()), 'the evidence to be on disk')
      const evidence = victim.evidence.all().find(({ kind }) => kind === 'equivocation')
      assert.ok(evidence?.documents.some(each => Buffer.from(each).equals(forged.head)))
      assert.equal(victim.state.accepted?.release.message, 'the honest one')
      await arena.goesOn(victim)
      await until(() => !victim.meshStatus.held, 'the hold to end')
    },
  },
  {
    id: 'equivocation-timestamp',
    power: 'timestamp key',
    tried: 'signs a second timestamp of the current version, to halt the fleet',
    expected: 'an alarm with the evidence, and no hold: the next honest release is accepted',
    async run(arena) {
      arena.fleet.release({ message: 'the honest one' })
      const victim = await arena.victim()
      const { timestamp } = arena.fleet.published.trusted
      assert.ok(timestamp)
      const expires = timeText(daysAfter(new Date(), 50))
      const head = signJson({ ...signedJson(timestamp), expires }, arena.fleet.keys.timestamp)
      await arena.offer(victim, { ...offerOf(arena.fleet, arena.fleet.published), head })
      await until(() => victim.evidence.standing('equivocation').length > 0, 'the contradiction to be seen')
      assert.ok(victim.meshStatus.fields.alarms?.some(({ subject }) => subject.startsWith('timestamp ')))
      assert.ok(!victim.meshStatus.held)
      await arena.goesOn(victim)
    },
  },
  {
    id: 'equivocation-crowded-out',
    power: 'targets, snapshot and timestamp keys',
    tried: 'shows two releases of one version, then reports of 200 cloned devices to crowd the evidence out',
    expected: 'updates stay held, the evidence stays on disk, and reports name it first',
    async run(arena) {
      const first = arena.fleet.published
      arena.fleet.release({ message: 'the honest one' })
      const victim = await arena.victim()
      await arena.offer(victim, forge(arena.fleet, { on: first, release: { message: 'the other one' } }))
      await until(() => victim.meshStatus.held, 'updates to be held')
      for (let each = 0; each < 200; each++) await victim.evidence.add('clone', `device ${each}`, [])
      assert.ok(victim.meshStatus.held, 'the hold is lifted')
      assert.equal(victim.meshStatus.fields.alarms?.[0]?.kind, 'equivocation')
      const kept = (await dump(victim.peerState.database, ['evidence'])).join()
      assert.match(kept, /equivocation\/targets/)
      await arena.goesOn(victim)
      await until(() => !victim.meshStatus.held, 'the hold to end')
    },
  },
  {
    id: 'equivocation-unsigned',
    power: 'device key',
    tried: 'shows a forged equivocation, to hold the updates of a peer',
    expected: 'no evidence, no hold: honest updates are accepted',
    async run(arena) {
      const first = arena.fleet.published
      arena.fleet.release({ message: 'the honest one' })
      const victim = await arena.victim()
      const thief = [testSigner('thief')]
      const forged = forge(arena.fleet, { on: first, signers: { timestamp: thief, snapshot: thief, targets: thief } })
      await arena.refuses(victim, forged, /timestamp metadata lacks the signatures/)
      assert.deepEqual(victim.evidence.all(), [])
    },
  },
  {
    id: 'stolen-controller-name',
    power: 'device key',
    tried: 'serves a controller as a device of the same name, role and key of its own',
    expected: 'refused: the members role has signed role and name',
    async run(arena) {
      const victim = await arena.victim()
      const bad = testSigner('bad')
      const certificate = signEnvelope(
        certificateKind,
        {
          v: 1,
          fleet: arena.fleet.fleet,
          peer: peerIdOf(bad.publicKey),
          name: 'controller',
          role: 'controller',
          issued: timeText(arena.fleet.now),
          expires: timeText(daysAfter(arena.fleet.now, 365)),
        },
        bad,
      )
      const { verdict } = await (await arena.hostile('bad', certificate)).greet(victim)
      assert.equal(verdict.admitted, false)
      assert.deepEqual(victim.admission.members, [])
    },
  },
  {
    id: 'members-gossip-forged',
    power: 'device key',
    tried: 'gossips a certificate that promotes it to a controller, signed by itself',
    expected: 'not kept, on disk or in memory; it stays a device',
    async run(arena) {
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const kept = () => dump(victim.peerState.database, ['members'])
      await until(async () => (await kept()).some(line => line.includes(hostile.id)), 'its certificate to be kept')
      const before = await kept()
      const forged = signEnvelope(
        certificateKind,
        {
          v: 1,
          fleet: arena.fleet.fleet,
          peer: hostile.id,
          name: 'hostile',
          role: 'controller',
          issued: timeText(new Date()),
          expires: timeText(daysAfter(arena.fleet.now, 365)),
        },
        hostile.signer,
      )
      assert.equal(await judged(victim, hostile, victim.names.members, forged), 'ignore')
      await hostile.sync(connection, {}, [{ certificate: forged, peer: hostile.id }])
      assert.equal(victim.directory.certificate(hostile.id)?.document.role, 'device')
      assert.deepEqual(await kept(), before)
    },
  },
]
