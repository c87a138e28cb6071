/** Devices whose root takes back what their witnessed log said, and who reads logs without being an operator. */

import assert from 'node:assert/strict'
import { verifyLog } from '../../../controller/session/verify-log.ts'
import { askForEntries, askForProofs } from '../../../node/audit/audit-service.ts'
import { LogError } from '../../../node/audit/witnessed-log.ts'
import { withChannel } from '../../../node/mesh/transport/channel.ts'
import { signHead } from '../../../protocol/audit/log-head.ts'
import type { TreeHead } from '../../../protocol/audit/merkle.ts'
import { type AuditRequest, auditRequestCodec } from '../../../protocol/messages/audit.ts'
import { answerCodec } from '../../../protocol/messages/messages.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { connect } from '../../helpers/mesh.ts'
import { until } from '../../helpers/until.ts'
import { logOf, serveLog, witnessedReport } from '../../helpers/witnessed.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import type { HostilePeer } from '../hostile-peer.ts'
import { framed, gossipRpc } from '../wire.ts'

const words = (count: number, word = 'entry') => Array.from({ length: count }, (_, at) => `${word} ${at}`)

function reportOf({ fleet, id, signer }: HostilePeer, counter: number, head: TreeHead | undefined): Uint8Array {
  return witnessedReport({ fleet: fleet.fleet, identity: { peerId: id }, signer } as never, counter, head)
}

/** Sends one report after another; the victim must have evidence against the device then, and nothing else. */
async function isCaught(arena: Arena, heads: readonly (TreeHead | undefined)[]): Promise<void> {
  const victim = await arena.victim()
  const hostile = await arena.hostile()
  const connection = await hostile.join(victim)
  const gossip = await hostile.open(connection, '/meshsub/1.2.0')
  for (const [at, head] of heads.entries()) {
    const counter = 2 * (at + 1)
    gossip.send(gossipRpc(hostile.names.extendedReports, reportOf(hostile, counter, head)))
    await until(() => victim.directory.report(hostile.id)?.document.counter === counter, `report ${counter}`)
  }
  await until(() => victim.evidence.standing('log').length > 0, 'evidence')
  const all = victim.evidence.all().map(({ kind, subject, documents }) => ({ kind, subject, signed: documents.length }))
  assert.deepEqual(all, [{ kind: 'log', subject: hostile.id, signed: 2 }])
  assert.ok(!victim.meshStatus.held, 'updates are held')
  await arena.goesOn(victim)
}

export const logAttacks: readonly Attack[] = [
  {
    id: 'log-shrunk',
    power: 'device key',
    tried:
      'as root of a device, removes the newest entries of its witnessed log, and reports without a head in between',
    expected: 'every neighbour keeps both signed reports as evidence and tells of it; updates go on',
    async run(arena) {
      const [long, short] = [await logOf(...words(40)), await logOf(...words(30))]
      await isCaught(arena, [long.head, undefined, short.head])
    },
  },
  {
    id: 'log-forked',
    power: 'device key',
    tried: 'as root of a device, replaces an entry of its witnessed log by another one',
    expected: 'every neighbour keeps both signed reports as evidence and tells of it; updates go on',
    async run(arena) {
      const [log, other] = [await logOf(...words(40)), await logOf(...words(39), 'another')]
      await isCaught(arena, [log.head, other.head])
    },
  },
  {
    id: 'log-lies-entry',
    power: 'device key',
    tried: 'gives an operator an entry that is not the one whose hash it has signed, or a log written anew',
    expected: "not verified: the entries don't lead to the signed head, or the older head is not its beginning",
    async run(arena) {
      const certificate = arena.fleet.certify(testSigner('victim'), { name: 'victim', role: 'controller' })
      const victim = await arena.victim({ certificate })
      const liar = await arena.honest({ word: 'liar' })
      const [log, anew] = [await logOf(...words(40)), await logOf(...words(60, 'anew'))]
      let changes = true
      let hides = false
      const shown = {
        head: log.head,
        proof: async (before: number, after: number) => {
          if (hides) throw new LogError('too-old', 'it says')
          return await anew.proof(before, after)
        },
        entries: async (range: { from: number; to: number }, bytes: number) => {
          const honest = await (changes ? log : anew).entries(range, bytes)
          const [, ...others] = honest.entries
          return changes ? { ...honest, entries: [Buffer.from('a lie'), ...others] } : honest
        },
      }
      await serveLog(arena.mesh, liar, () => ({ ...shown, head: (changes ? log : anew).head }))
      await connect(liar, victim)
      const sign = (head: TreeHead) => signHead(victim.fleet, head, liar.signer)
      const logs = {
        entries: (_: string, range: { from: number; to: number }) => askForEntries(victim, liar.host.peerId, range),
        proofs: (_: string, about: { of: number[]; to: number }) => askForProofs(victim, liar.host.peerId, about),
      }
      const head = sign(log.head)
      const changed = await verifyLog(logs, 'liar', { head, heads: [head], from: 30 })
      assert.equal(changed.problem?.kind, 'entries')
      changes = false
      const later = sign(anew.head)
      const written = await verifyLog(logs, 'liar', { head: later, heads: [head, later], from: 50 })
      assert.equal(written.problem?.kind, 'forked')
      hides = true
      const hidden = await verifyLog(logs, 'liar', { head: later, heads: [head, later], from: 50 })
      assert.equal(hidden.problem?.kind, 'forked', 'a device can prove what is not that old')
      await arena.goesOn(victim)
    },
  },
  {
    id: 'audit-by-device',
    power: 'device key',
    tried: 'asks another device for its witnessed log: who came in when, and by which key',
    expected: 'not served: only controllers are answered',
    async run(arena) {
      const victim = await arena.victim()
      const log = await logOf(...words(3))
      let reads = 0
      await serveLog(arena.mesh, victim, () => {
        reads++
        return log
      })
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const requests: AuditRequest[] = [{ entries: { from: 0, to: 3 } }, { proofs: { of: [1], to: 3 } }]
      for (const request of requests) {
        const stream = await hostile.open(connection, hostile.names.audit)
        const answer = await withChannel(stream, undefined, async channel => {
          stream.send(framed(auditRequestCodec.encode(request)))
          return await channel.receive(answerCodec)
        })
        assert.deepEqual(answer, { error: 'not-served' })
      }
      assert.equal(reads, 0)
      await arena.goesOn(victim)
    },
  },
]
