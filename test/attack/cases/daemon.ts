/** Attacks on the whole daemon, as a process with a real store: it lives, its disk is as it should be, and it still updates. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect as connectTcp } from 'node:net'
import { closureCodec } from '../../../protocol/closure/closure.ts'
import { sha256Hex, toHex } from '../../../protocol/encoding/hash.ts'
import { documentRequestCodec, headCodec } from '../../../protocol/messages/messages.ts'
import type { Loaded } from '../../../protocol/trust/metadata.ts'
import { updateSnapshot, updateTimestamp } from '../../../protocol/trust/trusted-set.ts'
import { ChunkedClosure, memoryPath } from '../../helpers/chunked-closure.ts'
import { testConfig, testSigner, testStorePath } from '../../helpers/fleet.ts'
import { fate } from '../../helpers/raw-host.ts'
import { until } from '../../helpers/until.ts'
import type { Attack } from '../attack.ts'
import { DaemonScene } from '../daemon-scene.ts'
import { forge, metaOf } from '../forge.ts'
import { forgeProposal } from '../forge-proposal.ts'
import { framed, gossipRpc } from '../wire.ts'

const thief = testSigner('thief')
const MiB = 1024 * 1024

/** Sets of metadata that a thief signs: more than a pruning comes after. */
const manySets = 80

/** Makes a snapshot that names these targets, which the thief can't sign. */
function overTargets({ bytes, signed: { version } }: Loaded<'targets'>) {
  return (role: string, signed: Record<string, unknown>) =>
    role === 'snapshot'
      ? { ...signed, meta: { ...(signed.meta as object), 'targets.json': metaOf(bytes, version) } }
      : signed
}

const attacks: Omit<Attack, 'alone' | 'needs'>[] = [
  {
    id: 'daemon-rubbish',
    power: 'join token',
    tried: 'sends a device rubbish on its port and on every protocol, forged heads and forged proposals',
    expected: 'the same process runs on; its trusted state on disk is unchanged; it takes the next release',
    async run(arena) {
      const scene = await DaemonScene.shared()
      const stolen = await scene.stolenKeys()
      const { trusted } = stolen.published
      const before = await scene.state('trust', 'documents', 'releases', 'proposals')
      const [port] = /\d+$/.exec(scene.device.address) ?? []
      for (let each = 0; each < 20; each++) {
        const socket = connectTcp(Number(port), '127.0.0.1').on('error', () => {})
        socket.end(randomBytes(1 << (each % 17)))
      }
      const hostile = await scene.hostile(arena)
      const { connection, verdict } = await hostile.greet(scene.victim)
      assert.ok(verdict.admitted)
      const signers = { timestamp: [thief], snapshot: [thief], targets: [thief] }
      const forged = forge(stolen, { signers })
      await hostile.serve(forged)
      const gossip = await hostile.open(connection, '/meshsub/1.2.0')
      gossip.send(gossipRpc(hostile.names.heads, headCodec.encode({ root: 1, timestamp: forged.head })))
      gossip.send(gossipRpc(hostile.names.reports, randomBytes(2000)))
      const proposal = forgeProposal({ on: trusted, fleet: stolen.fleet, signers: [thief] })
      await hostile.propose(connection, [proposal]).catch(() => {})
      for (const protocol of Object.values(hostile.names).filter(name => name.endsWith('/1'))) {
        for (const bytes of [
          randomBytes(5000),
          framed(randomBytes(100), 2 ** 32 - 1),
          framed(Buffer.from('a0', 'hex')),
        ]) {
          const stream = await hostile.open(connection, protocol).catch(() => undefined)
          if (stream === undefined) continue
          const ended = fate(stream)
          stream.send(bytes)
          await stream.close()
          await ended
        }
      }
      scene.alive()
      assert.deepEqual(await scene.state('trust', 'documents', 'releases', 'proposals'), before)
      await hostile.host.stop()
      await scene.updates()
    },
  },
  {
    id: 'daemon-foreign-path',
    power: 'targets, snapshot and timestamp keys',
    tried: 'releases a system of its own making to a device, without the key that signs store paths',
    expected:
      'the release is known and nothing of it fetched, staged, imported or run; an honest release above it is accepted',
    async run(arena) {
      const scene = await DaemonScene.shared()
      const running = await scene.device.running()
      const name = 'planted-system'
      const planted = await ChunkedClosure.of([memoryPath(testStorePath(name), randomBytes(100_000))])
      const config = testConfig(planted.closure)
      const recipes = await Promise.all(planted.closure.paths.map(({ recipe }) => planted.document(recipe)))
      const forged = forge(await scene.stolenKeys(), {
        release: { configs: { hello: config }, devices: { first: { config: 'hello' } } },
      })
      const documents = [
        ...forged.documents,
        closureCodec.encode(planted.closure),
        ...recipes.flatMap(each => each ?? []),
      ]
      const hostile = await scene.hostile(arena)
      await hostile.serve({ ...forged, documents })
      const lines = (await scene.device.logLines()).length
      const { verdict } = await hostile.greet(scene.victim, { root: 1, timestamp: forged.versions.timestamp })
      assert.ok(verdict.admitted)
      const refusal = (line: { reason?: string }) => /Expected a signature of .*planted-system/.test(line.reason ?? '')
      await scene.device.logged('that the path is not signed', refusal, lines)
      assert.equal((await scene.trusted()).targets?.signed.version, forged.versions.targets)
      assert.equal(await scene.device.running(), running)
      assert.deepEqual(await scene.device.inStore(name), [])
      assert.equal(await scene.stagedBytes(sha256Hex(closureCodec.encode(planted.closure))), 0)
      await hostile.host.stop()
      // The operator hears of the thief's release from the device, and goes above it.
      await scene.fleet.json('status')
      await scene.updates()
    },
  },
  {
    id: 'daemon-fills-disk',
    power: 'snapshot and timestamp keys',
    tried: `signs ${manySets} sets of metadata one after the other, for a device to keep them all`,
    expected: 'old ones leave its disk as others come; the same process takes the next release',
    async run(arena) {
      const scene = await DaemonScene.shared()
      const stolen = await scene.stolenKeys()
      const hostile = await scene.hostile(arena)
      let { trusted } = stolen.published
      const { targets, delegated } = trusted
      assert.ok(targets)
      const documents = new Map<string, Uint8Array>()
      let current = forge(stolen)
      await hostile.serve({
        twist: request => {
          if ('head' in request) return current.head
          return 'hash' in request ? documents.get(toHex(request.hash)) : undefined
        },
      })
      const { connection } = await hostile.greet(scene.victim)
      const gossip = await hostile.open(connection, '/meshsub/1.2.0')
      const before = (await scene.state('documents')).length
      for (let set = 0; set < manySets; set++) {
        current = forge({ ...stolen, published: { trusted } }, { twist: overTargets(targets) })
        documents.set(sha256Hex(current.snapshot), current.snapshot)
        const head = updateTimestamp(trusted, current.head, new Date())
        trusted = { ...updateSnapshot(head, current.snapshot, new Date()), targets, delegated }
        const message = headCodec.encode({ root: trusted.root.signed.version, timestamp: current.head })
        gossip.send(gossipRpc(hostile.names.heads, message))
        const isTaken = async () => {
          const { body } = await hostile.fetch(connection, { head: true })
          return sha256Hex(body) === sha256Hex(current.head)
        }
        await until(isTaken, `the device to take set ${set}`)
      }
      const isPruned = async () => (await scene.state('documents')).length < before + manySets - 20
      await until(isPruned, 'old sets to leave the disk')
      scene.alive()
      await hostile.host.stop()
      await scene.fleet.json('status')
      await scene.updates()
    },
  },
  {
    id: 'daemon-flood',
    power: 'join token',
    tried: 'connects 200 times, and on one connection says hello, asks and gossips without a pause',
    expected:
      'it takes less than 200 MiB more; its state grows by less than 1 MiB; the same process takes the next release',
    async run(arena) {
      const scene = await DaemonScene.shared()
      const size = async () =>
        (await scene.state('members', 'reports', 'documents', 'addresses', 'proposals')).join('').length
      const hostile = await scene.hostile(arena)
      const { connection } = await hostile.greet(scene.victim)
      const [bytes, resident] = [await size(), await scene.residentBytes()]
      for (let each = 0; each < 200; each++) {
        const other = await hostile.host.dial(scene.victim.host.getMultiaddrs(), { force: true }).catch(() => undefined)
        if (other !== connection) await other?.close().catch(() => {})
      }
      const rubbish = gossipRpc(
        hostile.names.heads,
        ...Array.from({ length: 50 }, () => new Uint8Array(randomBytes(1000))),
      )
      const gossip = await hostile.open(connection, '/meshsub/1.2.0').catch(() => undefined)
      for (let each = 0; each < 300; each++) {
        // It ends streams, and at last the connection, as it likes.
        try {
          gossip?.send(rubbish)
        } catch {}
        const stream = await hostile.open(connection, hostile.names.document).catch(() => undefined)
        try {
          stream?.send(framed(documentRequestCodec.encode({ head: true })))
        } catch {}
      }
      const growth = (await scene.residentBytes()) - resident
      assert.ok(growth < 200 * MiB, `the daemon takes ${(growth / MiB).toFixed(0)} MiB more`)
      scene.alive()
      assert.ok((await size()) < bytes + MiB, 'its state has grown')
      await hostile.host.stop()
      await scene.updates()
    },
  },
]

/** In turn, and after all others: they share one daemon. */
export const daemonAttacks: Attack[] = attacks.map(attack => ({ ...attack, alone: true, needs: 'nix' }))
