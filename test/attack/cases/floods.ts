/** Too much of everything, against a victim in a process of its own: its memory and its tables stay within bounds. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { generateKeyPairFromSeed, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { limits } from '../../../protocol/limits.ts'
import { type Answer, digestCodec, documentRequestCodec, syncItemCodec } from '../../../protocol/messages/messages.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { proposalDigestCodec } from '../../../protocol/trust/proposal.ts'
import { testSeed, testSigner } from '../../helpers/fleet.ts'
import { until } from '../../helpers/until.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { forgeProposal } from '../forge-proposal.ts'
import type { HostilePeer } from '../hostile-peer.ts'
import { type Measured, VictimProcess } from '../victim-process.ts'
import {
  controlRpc,
  delimited,
  dhtMessage,
  dhtTypes,
  framed,
  gossipRpc,
  identifyMessage,
  message,
  subscribeRpc,
} from '../wire.ts'

const MiB = 1 << 20

/** Sends with back-pressure, until all is sent or the victim ends the stream. */
async function pour(stream: Stream, bytes: Uint8Array, times: number): Promise<void> {
  for (let each = 0; each < times && stream.writeStatus === 'writable'; each++) {
    if (stream.send(bytes)) continue
    await new Promise(resolve => {
      stream.addEventListener('drain', resolve, { once: true })
      stream.addEventListener('close', resolve, { once: true })
    })
  }
}

/** The stream, of which nothing is read if it is still open. */
function unread(stream: Stream): Stream {
  if (stream.readStatus === 'readable') stream.pause()
  return stream
}

interface Flood {
  id: string
  power: Attack['power']
  tried: string
  /** How much the victim may hold more than before, once the flood is over. */
  growth?: number
  dht?: 'server'
  /** Whether the attacker is a member. */
  member: boolean
  run(flood: { arena: Arena; victim: VictimProcess; hostile: HostilePeer; connection: Connection }): Promise<void>
  /** Beyond memory. */
  check?(before: Measured, after: Measured): void
}

const floods: Flood[] = [
  {
    id: 'flood-streams',
    power: 'no key',
    tried: 'opens 2,000 streams on one connection',
    member: false,
    run: async ({ hostile, connection }) => {
      const opened = Array.from({ length: 2000 }, (_, at) =>
        hostile.open(connection, at % 2 === 0 ? hostile.names.document : '/nothing/1').catch(() => {}),
      )
      await Promise.all(opened)
    },
  },
  {
    id: 'flood-connections',
    power: 'no key',
    tried: 'connects and goes 300 times',
    member: false,
    run: async ({ hostile, victim }) => {
      for (let each = 0; each < 300; each++) {
        const connection = await victim.dial(hostile.host).catch(() => undefined)
        await connection?.close().catch(() => {})
      }
    },
  },
  {
    id: 'flood-subscriptions',
    power: 'device key',
    tried: 'subscribes to 50,000 gossip topics of long names',
    member: true,
    run: async ({ hostile, connection }) => {
      const stream = await hostile.open(connection, '/meshsub/1.2.0')
      for (let part = 0; part < 50; part++) {
        const topics = Array.from({ length: 1000 }, (_, at) => `${part}/${at}/${'x'.repeat(400)}`)
        await pour(stream, subscribeRpc(topics), 1)
      }
    },
  },
  {
    id: 'flood-gossip',
    power: 'device key',
    tried: 'gossips 20,000 messages of rubbish',
    member: true,
    run: async ({ hostile, connection }) => {
      const stream = await hostile.open(connection, '/meshsub/1.2.0')
      for (let at = 0; at < 200; at++) {
        const rubbish = Array.from({ length: 100 }, (_, part) =>
          Buffer.from(`rubbish ${at} ${part} ${'x'.repeat(500)}`),
        )
        await pour(stream, gossipRpc(hostile.names.reports, ...rubbish), 1)
      }
    },
  },
  {
    id: 'flood-ihave',
    power: 'device key',
    tried: 'claims 500,000 gossip messages, and asks for as many',
    member: true,
    run: async ({ hostile, connection }) => {
      const stream = await hostile.open(connection, '/meshsub/1.2.0')
      for (let at = 0; at < 100; at++) {
        const ids = Array.from({ length: 5000 }, (_, part) => Buffer.from(`${at}/${part}`.padEnd(20, '.')))
        await pour(stream, controlRpc(at % 2 === 0 ? 'ihave' : 'iwant', hostile.names.heads, ids), 1)
      }
    },
  },
  {
    id: 'flood-sync',
    power: 'join token',
    tried: 'syncs certificates that it signs for itself and others, 1,000 times 4 KiB, and reports of nobody',
    member: true,
    run: async ({ arena, hostile, connection }) => {
      const stream = await hostile.open(connection, hostile.names.plainSync)
      await pour(stream, framed(digestCodec.encode({ members: [] })), 1)
      const peer = peerIdOf(testSigner('nobody').publicKey)
      const forged = arena.fleet.certify(testSigner('nobody'), { name: 'nobody' }).slice()
      forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1
      const items = Buffer.concat([
        framed(syncItemCodec.encode({ certificate: forged, peer })),
        framed(syncItemCodec.encode({ certificate: new Uint8Array(limits.envelope), peer })),
        framed(syncItemCodec.encode({ report: new Uint8Array(limits.envelope) })),
        framed(syncItemCodec.encode({ addresses: Array(8).fill(`/dns4/${'x'.repeat(150)}/tcp/1`), peer })),
      ])
      await pour(stream, items, 1000)
    },
    check: (before, after) => assert.equal(after.tables.addresses?.entries, before.tables.addresses?.entries),
  },
  {
    id: 'flood-digest',
    power: 'device key',
    tried: 'begins a sync with a digest of 1 MiB on every stream that it may open, and never reads the answers',
    member: true,
    run: async ({ hostile, connection }) => {
      const peer = peerIdOf(testSigner('nobody').publicKey)
      const members = Array.from({ length: 9000 }, () => ({ peer, issued: '2026-01-31T12:00:00Z', report: 1 }))
      const digest = framed(digestCodec.encode({ members }))
      for (let each = 0; each < 8; each++) {
        const stream = await hostile.open(connection, hostile.names.plainSync).catch(() => undefined)
        if (stream !== undefined) await pour(unread(stream), digest, 1)
      }
    },
  },
  {
    id: 'flood-dht',
    power: 'device key',
    tried: 'stores 100,000 provider records and values in the DHT of a peer that serves it',
    member: true,
    dht: 'server',
    run: async ({ hostile, connection }) => {
      const stream = await hostile.open(connection, `/${hostile.names.prefix}/kad/1`)
      const id = hostile.host.peerId.toMultihash().bytes
      const addresses = [multiaddr('/ip4/192.0.2.1/tcp/1').bytes]
      for (let at = 0; at < 1000; at++) {
        const messages = Array.from({ length: 100 }, (_, part) => {
          const digest = Buffer.from(`${at}/${part}`.padEnd(32, '.'))
          const key = Buffer.concat([Buffer.from([1, 0x55, 0x12, 32]), digest])
          return dhtMessage({ type: dhtTypes.addProvider, key, providers: [{ id, addresses }] })
        })
        if (stream.writeStatus !== 'writable') break
        await pour(stream, Buffer.concat(messages), 1)
      }
    },
  },
  {
    id: 'flood-identify',
    power: 'device key',
    tried: 'answers identify with 10,000 addresses and 5,000 protocols, and pushes such answers again and again',
    member: true,
    run: async ({ hostile, connection }) => {
      const key = await generateKeyPairFromSeed('Ed25519', testSeed('hostile'))
      const lies = identifyMessage({
        publicKey: publicKeyToProtobuf(key.publicKey),
        listen: Array.from({ length: 10_000 }, (_, at) => multiaddr(`/ip4/10.0.${at >> 8}.${at & 255}/tcp/1`).bytes),
        protocols: Array.from({ length: 5000 }, (_, at) => `/protocol/${at}`),
      })
      for (let each = 0; each < 20; each++) {
        const stream = await hostile.open(connection, `/${hostile.names.prefix}/id/push/1.0.0`).catch(() => undefined)
        if (stream !== undefined) await pour(stream, lies, 1)
        stream?.abort(new Error('next'))
      }
    },
    check: (_, after) => assert.ok((after.tables.addresses?.bytes ?? 0) < 10_000, 'the address book has grown'),
  },
  {
    id: 'flood-unread-answers',
    power: 'device key',
    tried: 'asks for documents on every stream that it may open, over and over, and reads nothing',
    member: true,
    run: async ({ hostile, connection }) => {
      const request = framed(documentRequestCodec.encode({ head: true }))
      for (let each = 0; each < 200; each++) {
        const stream = await hostile.open(connection, hostile.names.document).catch(() => undefined)
        if (stream !== undefined) await pour(unread(stream), request, 1)
      }
    },
  },
  {
    id: 'flood-proposals',
    power: 'targets key',
    tried: 'makes 120 proposals of 1 MiB, then asks for all that is held, 300 times, and reads nothing',
    member: true,
    // The four that stay, as bytes and read.
    growth: 24 * MiB,
    run: async ({ arena, hostile, connection }) => {
      const { fleet, published, keys } = arena.fleet
      const ballast = new Uint8Array(randomBytes(MiB - 1024))
      for (let part = 0; part < 12; part++) {
        const proposals = Array.from({ length: 10 }, (_, at) => {
          const init = { on: published.trusted, fleet, signers: [keys.targets], second: 10 * part + at }
          const proposal = forgeProposal({ ...init, message: `${part}/${at}` })
          return { ...proposal, documents: [...proposal.documents, ballast] }
        })
        await hostile.propose(connection, proposals).catch(() => {})
      }
      const asking = framed(proposalDigestCodec.encode({ held: [] }))
      for (let each = 0; each < 300; each++) {
        const stream = await hostile.open(connection, hostile.names.proposals).catch(() => undefined)
        if (stream !== undefined) await pour(unread(stream), asking, 1)
      }
    },
    check: (_, { tables }) => {
      assert.equal(tables.proposals?.entries, limits.proposalsPerAuthor)
      assert.ok(tables.proposals.bytes < limits.proposalsPerAuthor * limits.proposal)
    },
  },
  {
    id: 'flood-hellos',
    power: 'device key',
    tried: 'says hello 2,000 times on an admitted connection',
    member: true,
    run: async ({ hostile, connection }) => {
      const garbage = framed(message({ 1: 'no hello' }))
      for (let each = 0; each < 2000 && connection.status === 'open'; each++) {
        const stream = await hostile.open(connection, hostile.names.hello).catch(() => undefined)
        if (stream !== undefined) await pour(stream, each % 2 === 0 ? garbage : delimited(garbage), 1)
        stream?.abort(new Error('next'))
      }
    },
  },
]

export const floodAttacks: Attack[] = floods.map(flood => ({
  id: flood.id,
  power: flood.power,
  tried: flood.tried,
  expected: `its heap grows by less than ${(flood.growth ?? 12 * MiB) / MiB} MiB; its tables don't; a member is served afterwards`,
  alone: true,
  async run(arena) {
    const victim = await VictimProcess.of(arena, { dht: flood.dht ?? 'off' })
    const hostile = await arena.hostile('hostile', flood.member ? undefined : new Uint8Array(1))
    const warm = await arena.hostile('warm')
    // The memory of the first member and its documents doesn't count as growth.
    await (await victim.join(warm)).close()
    const before = await victim.measure()
    const connection = flood.member ? await victim.join(hostile) : await victim.dial(hostile.host)
    await flood.run({ arena, victim, hostile, connection })
    const during = await victim.measure()
    await hostile.host.stop()
    let after = during
    await until(async () => {
      after = await victim.measure()
      return after.connections === 0
    }, 'the attacker to be gone')
    assertBounded('while it lasted', before, during, 2 * (flood.growth ?? 12 * MiB))
    assertBounded('afterwards', before, after, flood.growth ?? 12 * MiB)
    for (const name of ['trust', 'documents', 'releases', 'reports']) {
      assert.deepEqual(after.tables[name], before.tables[name], `the table ${name} has changed`)
    }
    assert.ok(after.certificates <= before.certificates + 1, 'there are more members')
    flood.check?.(before, after)
    const late = await arena.hostile('late')
    assert.ok('size' in (await askAsMember(victim, late)), 'a member was not served')
  },
}))

/** After a flood of connections, its address is refused until the second is over, for members too. */
async function askAsMember(victim: VictimProcess, member: HostilePeer): Promise<Answer> {
  let connection: Connection | undefined
  await until(async () => {
    connection = await victim.join(member).catch(() => undefined)
    return connection !== undefined
  }, 'a member to be admitted after the flood')
  assert.ok(connection !== undefined)
  return await member.ask(connection, { head: true })
}

function assertBounded(when: string, before: Measured, after: Measured, bytes: number): void {
  const growth = after.heapBytes - before.heapBytes
  assert.ok(growth < bytes, `the victim holds ${(growth / MiB).toFixed(1)} MiB more ${when}`)
}
