/** What a member says of others: its claim, which holds nothing and convicts nobody while the evidence is not verified. */

import assert from 'node:assert/strict'
import { alarmsOf } from '../../../controller/queries/alarms.ts'
import { timeText } from '../../../protocol/encoding/fields.ts'
import { headCodec } from '../../../protocol/messages/messages.ts'
import { type Report, reportKind } from '../../../protocol/report/report.ts'
import { signEnvelope } from '../../../protocol/signing/dsse.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { connect, liveFleet } from '../../helpers/mesh.ts'
import { dump } from '../../helpers/state.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { DaemonScene } from '../daemon-scene.ts'
import { type Forged, forge } from '../forge.ts'
import type { HostilePeer } from '../hostile-peer.ts'
import { gossipRpc } from '../wire.ts'

type Alarms = NonNullable<Report['alarms']>

/** A report that is all in order, but for what it says of others. */
function reportOf(hostile: HostilePeer, alarms: Alarms, counter = 1): Uint8Array {
  const { fleet } = hostile.fleet
  const at = timeText(new Date())
  const report: Report = { v: 1, fleet, peer: hostile.id, counter, at, state: 'running', freshness: 'fresh', alarms }
  return signEnvelope(reportKind, report, hostile.signer)
}

/** A member says that there is a contradiction, and hands out what it calls the evidence. Nothing comes of it but a claim. */
async function remainsAClaim(arena: Arena, victim: Victim, word: string, offer: Forged): Promise<void> {
  const device = await arena.honest({ word: 'accused' })
  await connect(device, victim)
  const accused = device.identity.peerId
  await until(() => victim.directory.certificate(accused), 'the certificate of the accused')
  const subject = `targets ${victim.state.versions.timestamp}`
  const claims: Alarms = [
    { kind: 'equivocation', subject },
    { kind: 'clone', subject: accused },
  ]
  const hostile = await arena.hostile(word)
  await hostile.serve(offer)
  const connection = await hostile.join(victim, { timestamp: victim.state.versions.timestamp + 1 })
  await hostile.sync(connection, {}, [{ report: reportOf(hostile, claims) }])
  const gossip = await hostile.open(connection, '/meshsub/1.2.0')
  gossip.send(gossipRpc(hostile.names.heads, headCodec.encode({ root: 1, timestamp: offer.head })))
  await until(() => victim.directory.report(hostile.id), 'the report')
  await until(() => victim.log.count(/metadata was not refreshed/, hostile.id) > 0, 'the evidence to be judged')
  const dropped = () => victim.log.count(/a gossip message was dropped/, hostile.id)
  await until(() => dropped() > 0, 'the gossiped head to be judged')
  const by = [{ device: word, peer: hostile.id }]
  assert.deepEqual(
    alarmsOf({ alarms: victim.meshStatus.fields.alarms ?? [], forkedLogs: [], directory: victim.directory }),
    claims.map(claim => ({ ...claim, verified: false, claimedBy: by })),
  )
  assert.deepEqual(victim.evidence.all(), [])
  assert.deepEqual(await dump(victim.peerState.database, ['evidence']), [])
  assert.ok(!victim.meshStatus.held, 'updates are held')
  assert.notEqual(victim.admission.member(device.host.peerId), undefined, 'the accused is no member any more')
  await arena.goesOn(victim)
}

export const claimAttacks: Attack[] = [
  {
    id: 'claim-forged-evidence',
    power: 'device key',
    tried:
      'reports a contradiction and a copied key of another device, and hands out two releases that it signed itself',
    expected:
      'the evidence is refused; a claim under its name is all that is shown; no hold, and honest news are taken',
    async run(arena) {
      arena.fleet.release({ message: 'the honest one' })
      const victim = await arena.victim()
      const thief = [testSigner('thief')]
      const signers = { timestamp: thief, snapshot: thief, targets: thief }
      const { timestamp } = arena.fleet.published.trusted
      const version = timestamp?.signed.version ?? 0
      const versions = { targets: version, snapshot: version, timestamp: version }
      await remainsAClaim(arena, victim, 'forger', forge(arena.fleet, { signers, versions }))
    },
  },
  {
    id: 'claim-foreign-evidence',
    power: 'another fleet',
    tried: 'joins, reports a contradiction, and hands out two truly signed releases of one version of its own fleet',
    expected:
      'the evidence is refused; a claim under its name is all that is shown; no hold, and honest news are taken',
    async run(arena) {
      arena.fleet.release({ message: 'the honest one' })
      const victim = await arena.victim()
      const foreign = liveFleet('elsewhere')
      foreign.release({ message: 'one' })
      await remainsAClaim(arena, victim, 'foreigner', forge(foreign, { release: { message: 'the other' } }))
    },
  },
  {
    id: 'claim-without-evidence',
    power: 'join token',
    tried: 'reports that another device is copied and that two releases of one version are signed',
    expected: '`status` and `members` show it as what this device says; exit codes and the next update are as ever',
    alone: true,
    needs: 'nix',
    async run(arena) {
      const scene = await DaemonScene.shared()
      const hostile = await scene.hostile(arena, 'accuser')
      arena.ending.after(async () => hostile.host.stop())
      interface Shown {
        devices: { device: string; peer: string }[]
        alarms: { kind: string; verified: boolean; claimedBy: { device: string }[] }[]
      }
      const first = (await scene.fleet.json<Shown>('status')).devices.find(({ device }) => device === 'first')
      assert.ok(first)
      const claims: Alarms = [
        { kind: 'clone', subject: first.peer },
        { kind: 'equivocation', subject: 'targets 2' },
      ]
      const { connection } = await hostile.greet(scene.victim)
      await hostile.sync(connection, {}, [{ report: reportOf(hostile, claims) }])
      const { alarms } = await scene.fleet.json<Shown>('status')
      const ours = alarms.filter(({ claimedBy }) => claimedBy.some(({ device }) => device === 'accuser'))
      assert.deepEqual(
        ours.map(({ kind, verified }) => [kind, verified]),
        [
          ['clone', false],
          ['equivocation', false],
        ],
      )
      const status = await scene.fleet.run('status')
      assert.equal(status.code, 0)
      assert.match(status.stdout, /^accuser \(…\w{16}\) says: two devices have the key of /m)
      assert.match(status.stdout, /^accuser \(…\w{16}\) says: two different documents are signed as targets 2\./m)
      assert.doesNotMatch(status.stdout, /ALARM/)
      const members = await scene.fleet.run('members')
      assert.doesNotMatch(members.stdout, /COPIED/)
      assert.match(members.stdout, /^first: accuser \(…\w{16}\) says that two devices have its key; /m)
      await scene.updates()
    },
  },
]
