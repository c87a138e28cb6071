/** Syncs take turns: who has one and does nothing with it keeps nobody waiting for long. */

import assert from 'node:assert/strict'
import { withChannel } from '../../../node/mesh/transport/channel.ts'
import { digestCodec } from '../../../protocol/messages/messages.ts'
import { connect, reportOf } from '../../helpers/mesh.ts'
import { until } from '../../helpers/until.ts'
import type { Attack } from '../attack.ts'

export const syncAttacks: Attack[] = [
  {
    id: 'sync-held',
    power: 'device key',
    tried: 'begins syncs, states what it holds and then says nothing, so that no other sync has its turn',
    expected: 'news of a member that connects then arrive by a sync within seconds',
    async run(arena) {
      const victim = await arena.victim()
      const member = await arena.honest({ word: 'member' })
      // Only stored: gossip knows nothing of it.
      await member.directory.addCertificate(member.identity.peerId, member.own.envelope)
      await member.directory.addReport(reportOf(member, 7))
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const [held, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const stream = await hostile.open(connection, hostile.names.plainSync)
      const holding = withChannel(stream, undefined, async channel => {
        await channel.send(digestCodec, { members: [] })
        await channel.receive(digestCodec)
        held.resolve()
        await end.promise
      })
      holding.catch(held.reject)
      try {
        await held.promise
        await connect(victim, member)
        const counter = () => victim.directory.report(member.identity.peerId)?.document.counter
        await until(() => counter() === 7, 'the report')
        assert.equal(stream.status, 'open', 'the attacker has its turn still')
      } finally {
        end.resolve()
        await holding.catch(() => {})
      }
    },
  },
]
