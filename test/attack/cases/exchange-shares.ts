/** Members that hold the exchanges of a peer open, or have it send all it has again and again. */

import assert from 'node:assert/strict'
import { setInterval } from 'node:timers/promises'
import type { Connection } from '@libp2p/interface'
import { answeredExchanges, dhtBudgets, requestRates, sentBudgets } from '../../../node/mesh/limits.ts'
import type { SyncItem } from '../../../protocol/messages/messages.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { connect } from '../../helpers/mesh.ts'
import { until } from '../../helpers/until.ts'
import type { Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import type { HostilePeer } from '../hostile-peer.ts'
import { dhtMessage, dhtTypes, framesOf } from '../wire.ts'

/** Members of a middling fleet: about 400 KiB of certificates. */
const members = 1_000

export const exchangeShareAttacks: Attack[] = [
  {
    id: 'exchange-held',
    power: 'join token',
    tried: `begins ${answeredExchanges} syncs under several identities, and sends one item in eight seconds in each`,
    expected: 'slow ones make room: another member synchronises',
    async run(arena) {
      const victim = await arena.victim()
      for (const each of await arena.crowd(answeredExchanges / 2)) {
        const connection = await each.join(victim)
        for (let stream = 0; stream < 2; stream++) void each.sync(connection, {}, slowly(each.id)).catch(() => {})
      }
      await until(() => streamsOf(victim) >= answeredExchanges, 'them to hold all exchanges')
      const honest = await arena.honest()
      await connect(honest, victim)
      let synced = false
      honest.sync.on('synced', () => {
        synced = true
      })
      const tried = async () => {
        await honest.sync.syncWith(victim.host.peerId)
        return synced
      }
      await until(tried, 'a sync')
    },
  },
  {
    id: 'exchange-old-state',
    power: 'device key',
    // A thousand certificates are verified, twice: beside other attacks, all would wait for it.
    alone: true,
    tried: `says ${requestRates.sync.most} times that it knows nobody, to be sent all members each time`,
    expected: 'after its budget of bytes it is refused; another member synchronises',
    async run(arena) {
      const victim = await arena.victim()
      for (let at = 0; at < members; at++) {
        const signer = testSigner(`member ${at}`)
        const certificate = arena.fleet.certify(signer, { name: `member-${at}`, age: 'age1'.padEnd(62, 'q') })
        await victim.directory.addCertificate(peerIdOf(signer.publicKey), certificate)
      }
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      let bytes = 0
      for (let times = 0; times < requestRates.sync.most; times++) bytes += await syncedBytes(hostile, connection)
      assert.ok(bytes > sentBudgets.peer.most / 2, `only ${bytes} bytes were sent`)
      assert.ok(bytes < 1.5 * sentBudgets.peer.most, `${bytes} bytes were sent`)
      const honest = await arena.honest()
      await connect(honest, victim)
      await until(() => honest.directory.certificates().length > members, 'the members to be known to the honest one')
    },
  },
  {
    id: 'exchange-dht',
    power: 'device key',
    tried: 'asks the DHT of a peer that serves it for 1,000 peers on one stream, then on another',
    expected: 'after its budget the streams end; another member is answered',
    async run(arena) {
      const victim = await arena.victim({ settings: { dht: 'server' } })
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const first = await dhtAnswers(hostile, connection)
      assert.ok(first > 0, 'the DHT answers')
      const answers = first + (await dhtAnswers(hostile, connection))
      assert.ok(answers <= 1.5 * dhtBudgets.peer.most, `${answers} requests were answered`)
      const honest = await arena.hostile('honest')
      assert.ok((await dhtAnswers(honest, await honest.join(victim))) > 0, 'another member is answered')
    },
  },
]

/** Asks 1,000 times on one stream; resolves to the number of answers that came before it ended. */
async function dhtAnswers(hostile: HostilePeer, connection: Connection): Promise<number> {
  const stream = await hostile.open(connection, `/${hostile.names.prefix}/kad/1`)
  const answers = framesOf(stream)
  const ask = dhtMessage({ type: dhtTypes.findNode, key: hostile.host.peerId.toMultihash().bytes })
  stream.send(Buffer.concat(Array.from({ length: 1000 }, () => ask)))
  await stream.close().catch(() => {})
  return (await answers).length
}

/** Syncs that others have begun. */
function streamsOf({ host, names }: Victim): number {
  const streams = host.getConnections().flatMap(connection => connection.streams)
  return streams.filter(({ protocol }) => protocol === names.plainSync).length
}

/** Items without meaning that never end. */
async function* slowly(peer: string): AsyncGenerator<SyncItem> {
  yield { addresses: [], peer }
  for await (const _ of setInterval(8_000)) yield { addresses: [], peer }
}

async function syncedBytes(hostile: HostilePeer, connection: Connection): Promise<number> {
  const items = await hostile.sync(connection, {}, []).catch(() => [])
  return items.reduce((sum, item) => sum + ('certificate' in item ? item.certificate.length : 0), 0)
}
