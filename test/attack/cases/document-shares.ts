/** Members that hold the places for documents, so that nobody else is answered. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Connection, Stream } from '@libp2p/interface'
import { servedDocuments, servedDocumentsPerPeer } from '../../../node/mesh/limits.ts'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import { documentRequestCodec } from '../../../protocol/messages/messages.ts'
import { connect } from '../../helpers/mesh.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import type { HostilePeer } from '../hostile-peer.ts'
import { framed } from '../wire.ts'

/** More than a stream takes before its reader reads. */
const largeBytes = 3 << 20
const crowdSize = 8

/** A victim with a large document. */
async function scene(arena: Arena): Promise<{ victim: Victim; hash: Uint8Array }> {
  const victim = await arena.victim()
  const document = new Uint8Array(randomBytes(largeBytes))
  await victim.state.keepDocument(document)
  return { victim, hash: sha256(document) }
}

/** Asks for a document on some streams, and reads nothing but the beginnings of the answers. */
async function hold(hostile: HostilePeer, connection: Connection, hash: Uint8Array, count: number): Promise<Stream[]> {
  const request = framed(documentRequestCodec.encode({ hash }))
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const stream = await hostile.open(connection, hostile.names.document)
      const answered = new Promise(resolve => stream.addEventListener('message', resolve, { once: true }))
      stream.send(request)
      await Promise.race([answered, new Promise(resolve => stream.addEventListener('close', resolve))])
      if (stream.readStatus === 'readable') stream.pause()
      return stream
    }),
  )
}

/** All places are held by two keys. */
async function heldByTwo(arena: Arena): Promise<{ victim: Victim; hash: Uint8Array }> {
  const { victim, hash } = await scene(arena)
  for (const word of ['hostile', 'accomplice']) {
    const hostile = await arena.hostile(word)
    await hold(hostile, await hostile.join(victim), hash, servedDocumentsPerPeer)
  }
  return { victim, hash }
}

export const documentShareAttacks: Attack[] = [
  {
    id: 'document-two-keys',
    power: 'device key',
    tried: `takes all ${servedDocuments} places for documents with a second key, and reads no answer`,
    expected: 'places without progress go to the member that waits',
    async run(arena) {
      const { victim, hash } = await heldByTwo(arena)
      const honest = await arena.honest()
      await connect(honest, victim)
      assert.deepEqual(sha256(await honest.documents.fetch(hash, victim.host.peerId)), hash)
    },
  },
  {
    id: 'document-heads',
    power: 'device key',
    tried: 'does the same, to keep others from the head, roots, certificates and small documents',
    expected: 'these have places of their own: they are answered at once, also while all bodies are held',
    async run(arena) {
      const { victim } = await heldByTwo(arena)
      const honest = await arena.honest()
      await connect(honest, victim)
      const snapshot = arena.fleet.published.trusted.snapshot?.bytes
      assert.ok(snapshot)
      const peer = victim.host.peerId
      assert.ok(await honest.documents.ask(peer, { head: true }, limits.timestamp))
      assert.ok(await honest.documents.ask(peer, { root: 1 }, limits.root))
      assert.ok(await honest.documents.ask(peer, { certificate: honest.identity.peerId }, limits.envelope))
      assert.ok(await honest.documents.ask(peer, { hash: sha256(snapshot) }, limits.snapshot))
    },
  },
  {
    id: 'document-token-crowd',
    power: 'join token',
    tried: `holds all ${servedDocuments} places for documents under ${crowdSize} identities, and asks again whenever it loses one`,
    expected: 'a member has its place before any of them gets another one',
    async run(arena) {
      const { victim, hash } = await scene(arena)
      let over = false
      arena.ending.after(async () => {
        over = true
      })
      const held = new Set<Stream>()
      const holdOn = async (each: HostilePeer, connection: Connection) => {
        while (!over) {
          const [stream] = await hold(each, connection, hash, 1)
          if (stream?.status !== 'open') continue
          held.add(stream)
          await new Promise(resolve => stream.addEventListener('close', resolve, { once: true }))
          held.delete(stream)
        }
      }
      for (const each of await arena.crowd(crowdSize)) {
        const connection = await each.join(victim)
        for (let place = 0; place < (2 * servedDocuments) / crowdSize; place++) {
          void holdOn(each, connection).catch(() => {})
        }
      }
      await until(() => held.size >= servedDocuments, 'them to hold all places')
      const honest = await arena.honest()
      await connect(honest, victim)
      assert.deepEqual(sha256(await honest.documents.fetch(hash, victim.host.peerId)), hash)
    },
  },
]
