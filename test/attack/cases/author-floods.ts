/** Members that sign and gossip valid documents of their own without a pause, for every peer to keep and pass on. */

import assert from 'node:assert/strict'
import type { Connection, Stream } from '@libp2p/interface'
import { timeText } from '../../../protocol/encoding/fields.ts'
import { connect, gossiping, reportOf, type TestPeer } from '../../helpers/mesh.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import type { HostilePeer } from '../hostile-peer.ts'
import { gossipRpc } from '../wire.ts'

const many = 400
/** Of these, what is passed on: the burst, and one a second since the first came, however long a busy machine takes. */
const mostSince = (began: number) => 60 + (performance.now() - began) / 1000

interface Scene {
  hostile: HostilePeer
  victim: Victim
  behind: TestPeer
  connection: Connection
  stream: Stream
  /** What the victim has passed on. */
  passed: { reports: number; certificates: number }
}

/** A hostile member, a victim, and an honest one behind it that counts what is passed on. */
async function sceneOf(arena: Arena, hostile: HostilePeer): Promise<Scene> {
  const victim = await arena.victim()
  const behind = await arena.honest({ word: 'behind' })
  await connect(behind, victim)
  await gossiping([behind, victim])
  const connection = await hostile.join(victim)
  await until(() => behind.directory.certificate(hostile.id), 'its certificate to be known')
  const stream = await hostile.open(connection, '/meshsub/1.2.0')
  const passed = { reports: 0, certificates: 0 }
  behind.directory.on('report', ({ peer }) => {
    if (peer === hostile.id) passed.reports++
  })
  behind.directory.on('certificate', ({ peer }) => {
    if (peer === hostile.id) passed.certificates++
  })
  return { hostile, victim, behind, connection, stream, passed }
}

/** The honest one's report reaches the victim, although the other one goes on. */
async function stillHears(victim: Victim, behind: TestPeer): Promise<void> {
  behind.gossip.publishReport(reportOf(behind, 1))
  await until(() => victim.directory.report(behind.identity.peerId), 'an honest report')
}

/** One after another, as fast as a peer answers a question in between: all at once, only the newest would be read. */
async function pour({ hostile, connection, stream }: Scene, topic: string, documents: readonly Uint8Array[]) {
  for (const document of documents) {
    stream.send(gossipRpc(topic, document))
    await hostile.ask(connection, { head: true })
  }
}

export const authorFloodAttacks: Attack[] = [
  {
    id: 'report-flood',
    power: 'device key',
    tried: `signs ${many} reports of its own and gossips them at once`,
    expected: 'a burst and then one a second are kept and passed on, the newest at last; other reports come through',
    async run(arena) {
      const hostile = await arena.hostile()
      const scene = await sceneOf(arena, hostile)
      const { victim, behind, passed } = scene
      const author = { fleet: arena.fleet.fleet, signer: hostile.signer }
      const reports = Array.from({ length: many }, (_, at) => reportOf(author, at + 1))
      const began = performance.now()
      await pour(scene, victim.names.reports, reports)
      await stillHears(victim, behind)
      const newest = () => behind.directory.report(hostile.id)?.document.counter === many
      await until(newest, 'the newest report')
      assert.ok(passed.reports <= mostSince(began), `${passed.reports} reports were passed on`)
    },
  },
  {
    id: 'report-flood-sync',
    power: 'device key',
    tried: `hands over ${many} reports of its own in one sync`,
    expected: 'the same: a burst, then the newest',
    async run(arena) {
      const hostile = await arena.hostile()
      const { victim, behind, connection, passed } = await sceneOf(arena, hostile)
      const author = { fleet: arena.fleet.fleet, signer: hostile.signer }
      const items = Array.from({ length: many }, (_, at) => ({ report: reportOf(author, at + 1) }))
      const began = performance.now()
      await hostile.sync(connection, {}, items)
      await stillHears(victim, behind)
      const newest = () => behind.directory.report(hostile.id)?.document.counter === many
      // Long before the next sync, which would bring it too.
      await until(newest, 'the newest report')
      assert.ok(passed.reports <= mostSince(began), `${passed.reports} reports were passed on`)
    },
  },
  {
    id: 'certificate-flood',
    power: 'join token',
    tried: `signs ${many} certificates for itself, each newer than the one before, and gossips them`,
    expected: 'a few are kept and passed on; other documents come through',
    async run(arena) {
      const token = arena.fleet.token()
      const [hostile] = await arena.crowd(1)
      assert.ok(hostile)
      const scene = await sceneOf(arena, hostile)
      const { victim, behind, passed } = scene
      const certificates = Array.from({ length: many }, (_, at) => {
        const issued = timeText(new Date(arena.fleet.now.getTime() + 1_000 * (at + 1)))
        return arena.fleet.join(token, hostile.signer, { name: 'crowd-0', issued })
      })
      const began = performance.now()
      await pour(scene, victim.names.members, certificates)
      await stillHears(victim, behind)
      assert.ok(passed.certificates <= mostSince(began), `${passed.certificates} certificates were passed on`)
      assert.ok(victim.directory.certificate(hostile.id))
    },
  },
]
