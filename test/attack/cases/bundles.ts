/** Bundles on sticks: whoever prepared one is believed as little as a hostile peer. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { Encrypter } from 'age-encryption'
import { Bundle } from '../../../node/bundle/bundle.ts'
import { packed } from '../../../node/bundle/packing.ts'
import { type Taken, takeBundle } from '../../../node/carry/take-bundle.ts'
import { takeOutbox } from '../../../node/carry/take-outbox.ts'
import { ageRecipientOf, newAgeIdentity } from '../../../node/state/age-key.ts'
import { deltasBy } from '../../../node/swarm/fetch/bundled-deltas.ts'
import { BundledChunks } from '../../../node/swarm/staging/bundled-chunks.ts'
import type { BundleFile } from '../../../protocol/bundle/bundle-files.ts'
import { encodeIndex } from '../../../protocol/bundle/chunk-index.ts'
import { encodeDeltaIndex } from '../../../protocol/bundle/delta-index.ts'
import { encodeManifest } from '../../../protocol/bundle/manifest.ts'
import { encodeOutbox } from '../../../protocol/bundle/outbox.ts'
import { encodePackBody, packBodyBytes } from '../../../protocol/bundle/pack.ts'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import type { Base } from '../../../protocol/messages/swarm.ts'
import { reportKind } from '../../../protocol/report/report.ts'
import { signEnvelope } from '../../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import type { Published } from '../../../protocol/trust/publish.ts'
import { ChunkedClosure, memoryPath } from '../../helpers/chunked-closure.ts'
import { testSigner, testStorePath } from '../../helpers/fleet.ts'
import { silentLogger } from '../../helpers/log.ts'
import { archiveOf, MemorySource } from '../../helpers/memory-bundle.ts'
import { liveFleet } from '../../helpers/mesh.ts'
import { noise } from '../../helpers/planted-nar.ts'
import { reportOf } from '../../helpers/report-samples.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { forge } from '../forge.ts'

const thief = testSigner('thief')

interface Content {
  readonly fleet: string
  readonly roots: readonly Uint8Array[]
  readonly head: Uint8Array
  readonly snapshot: Uint8Array
  readonly targets: Uint8Array
  readonly members: Uint8Array
  readonly documents: readonly Uint8Array[]
  /** In place of the packs that these contents would make. */
  readonly documentPack?: Uint8Array
  readonly chunks?: readonly Uint8Array[]
  readonly chunkPack?: Uint8Array
  /** Deltas, all of one base. */
  readonly lies?: readonly { readonly id: Uint8Array; readonly length: number; readonly frame: Uint8Array }[]
  readonly base?: Base
}

export const bundleAttacks: Attack[] = [
  {
    id: 'bundle-forged',
    power: 'no key',
    tried: 'hands in a bundle with a release that keys of its own have signed',
    expected: 'nothing changes and nothing is attached; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const signers = { timestamp: [thief], snapshot: [thief], targets: [thief] }
      const { head, snapshot, targets, documents } = forge(arena.fleet, { signers })
      await refuses(arena, victim, { ...contentOf(arena), head, snapshot, targets, documents }, 'not-signed')
    },
  },
  {
    id: 'bundle-rolled-back',
    power: 'no key',
    tried: 'hands in a bundle of an older release, valid in all its signatures',
    expected: 'the newer release stays; the bundle only lends its chunks; honest updates are accepted',
    async run(arena) {
      const old = contentOf(arena)
      arena.fleet.release({ message: 'the second' })
      const victim = await arena.victim()
      await arena.unmoved(victim, async () => {
        const { trust, documents } = await take(victim, await bundleOf(old))
        assert.deepEqual([trust, documents], ['older', 0])
        for (const bundle of victim.shelf.bundles) victim.shelf.detach(bundle)
      })
    },
  },
  {
    id: 'bundle-mixed',
    power: 'no key',
    tried: 'hands in the newest timestamp and snapshot with the targets of an older release',
    expected: 'nothing changes and nothing is attached; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const old = contentOf(arena)
      const next = forge(arena.fleet)
      await refuses(arena, victim, { ...old, head: next.head, snapshot: next.snapshot }, 'wrong-hash')
    },
  },
  {
    id: 'bundle-other-fleet',
    power: 'another fleet',
    tried: 'hands in a bundle of a fleet of its own, complete and valid there',
    expected: 'nothing changes and nothing is attached; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const theirs = liveFleet('another')
      await refuses(arena, victim, { ...contentOf({ fleet: theirs }), fleet: arena.fleet.fleet }, 'other-fleet')
    },
  },
  {
    id: 'bundle-wrong-document',
    power: 'no key',
    tried: 'hands in true metadata with another release document under the true one’s name',
    expected: 'nothing changes and nothing is attached; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const { head, snapshot, targets, documents } = forge(arena.fleet)
      const items = documents.map(bytes => ({ id: sha256(bytes), bytes: Buffer.from('another document') }))
      const documentPack = await packed(encodePackBody(items))
      const content = { ...contentOf(arena), head, snapshot, targets, documents, documentPack }
      await refuses(arena, victim, content, 'missing-document')
    },
  },
  {
    id: 'bundle-pack-bomb',
    power: 'no key',
    tried: 'hands in a bundle whose pack of documents unpacks to a gigabyte',
    expected: 'it is unpacked up to its limit; nothing changes; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const next = forge(arena.fleet)
      const documentPack = zstdCompressSync(Buffer.alloc(1 << 30))
      await refuses(arena, victim, { ...contentOf(arena), ...next, documentPack }, 'damaged')
    },
  },
  {
    id: 'bundle-changes-while-read',
    power: 'no key',
    tried: 'hands in a stick that gives other chunks than it named, once it is attached',
    expected: 'each chunk is hashed when it is read: none is used, and the pack is not asked again',
    async run(arena) {
      const victim = await arena.victim()
      const { list, chunks } = await someClosure()
      const source = new MemorySource(await archive({ ...contentOf(arena), chunks }))
      const bundle = await Bundle.from(source)
      await take(victim, bundle)
      const lost: number[] = []
      const init = { onFound: () => {}, onLost: (numbers: readonly number[]) => lost.push(...numbers) }
      const bundled = await BundledChunks.open({ shelf: victim.shelf, list, log: silentLogger }, init)
      assert.ok(list.count > 0 && bundled.has(0))
      const evil = chunks.map(({ length }) => Buffer.alloc(length, 'evil'))
      const items = chunks.map((bytes, i) => ({ id: sha256(bytes), bytes: evil[i] ?? bytes }))
      source.bytes = await archive({ ...contentOf(arena), chunks, chunkPack: await packed(encodePackBody(items)) })
      assert.equal(await bundled.read(0), undefined)
      assert.equal(lost.length, list.count)
      bundled.close()
      victim.shelf.detach(bundle)
      await arena.goesOn(victim)
    },
  },
  {
    id: 'bundle-lying-delta',
    power: 'no key',
    tried: 'hands in deltas that unpack to a gigabyte, or to another chunk than they are named for',
    expected: 'each is unpacked up to its chunk’s length and hashed; it alone is lost, and honest chunks are read',
    async run(arena) {
      const victim = await arena.victim()
      const { list, chunks } = await someClosure()
      const old = noise('an old chunk', 100_000)
      const base = { recipe: sha256(Buffer.from('its recipe')), first: 0, count: 1 }
      const [bomb, wrong, ...honest] = chunks as [Uint8Array, Uint8Array, ...Uint8Array[]]
      const frameOf = (bytes: Uint8Array) => zstdCompressSync(bytes, { dictionary: old })
      const lies = [
        { id: sha256(bomb), length: bomb.length, frame: frameOf(Buffer.alloc(1 << 30)) },
        { id: sha256(wrong), length: wrong.length, frame: frameOf(Buffer.alloc(wrong.length, 'evil')) },
      ]
      const source = new MemorySource(await archive({ ...contentOf(arena), chunks: honest, lies, base }))
      const bundle = await Bundle.from(source)
      await take(victim, bundle)
      const lost: number[] = []
      const init = { onFound: () => {}, onLost: (numbers: readonly number[]) => lost.push(...numbers) }
      const deltas = deltasBy({ here: async bases => bases.map(() => true), read: async () => old })
      const bundled = await BundledChunks.open({ shelf: victim.shelf, list, deltas, log: silentLogger }, init)
      assert.ok(bundled.has(0) && bundled.has(1))
      assert.deepEqual([await bundled.read(0), await bundled.read(1), lost], [undefined, undefined, [0, 1]])
      assert.ok(honest.length === 0 || (await bundled.read(2)) !== undefined)
      bundled.close()
      victim.shelf.detach(bundle)
      await arena.goesOn(victim)
    },
  },
  {
    id: 'bundle-that-never-comes',
    power: 'local user',
    tried: 'names a FIFO as a bundle, which nobody ever writes to',
    expected: 'it is refused at once; nothing changes',
    async run(arena) {
      const victim = await arena.victim()
      const folder = await mkdtemp(join(tmpdir(), 'thymesh-attack-'))
      arena.ending.after(() => rm(folder, { recursive: true, force: true }))
      const fifo = join(folder, 'fifo')
      execFileSync('mkfifo', [fifo])
      await arena.unmoved(victim, () => assert.rejects(Bundle.open(fifo), { code: 'not-a-bundle' }))
    },
  },
  {
    id: 'outbox-forged-report',
    power: 'device key',
    tried: 'sends home an outbox with a report in the name of another device, and one of its own with a changed word',
    expected: 'only reports that their own devices have signed are taken',
    async run(arena) {
      const victim = await arena.victim()
      const identity = newAgeIdentity()
      const [hostile, other] = [testSigner('hostile'), testSigner('other')]
      const certificates = [hostile, other].map((signer, i) => arena.fleet.certify(signer, { name: `device-${i}` }))
      const peer = peerIdOf(hostile.publicKey)
      const inAnothersName = { ...reportOf(arena.fleet.fleet, peerIdOf(other.publicKey)), counter: 9 }
      const own = Buffer.from(signEnvelope(reportKind, reportOf(arena.fleet.fleet, peer), hostile))
      own[own.length - 1] = (own.at(-1) ?? 0) ^ 1
      const reports = [signEnvelope(reportKind, inAnothersName, hostile), own]
      const outbox = { v: 1, fleet: arena.fleet.fleet, peer, certificates, reports, history: [], logs: [] } as const
      const encrypter = new Encrypter()
      encrypter.addRecipient(ageRecipientOf(identity))
      const sealed = await encrypter.encrypt(
        encodeOutbox({ ...outbox, certificates, reports, history: [], logs: [] }, hostile),
      )
      const { fleet, directory, history } = victim
      const nothing = { keep: async () => {} }
      const parts = {
        fleet,
        directory,
        history,
        metrics: nothing,
        snapshots: nothing,
        identities: () => [identity],
        log: silentLogger,
      }
      assert.equal((await takeOutbox(parts, sealed)).reports, 0)
      assert.deepEqual(directory.reports(), [])
      await arena.goesOn(victim)
    },
  },
]

async function refuses(arena: Arena, victim: Victim, content: Content, code: string): Promise<void> {
  await arena.unmoved(victim, async () => {
    await assert.rejects(async () => take(victim, await bundleOf(content)), { code })
    assert.deepEqual(victim.shelf.bundles, [])
  })
}

/** As the daemon takes a bundle in. */
async function take(victim: Victim, bundle: Bundle): Promise<Taken> {
  const { state, directory, closures, shelf, equivocation, peerState } = victim
  const { clock } = peerState
  return await takeBundle({ state, directory, closures, shelf, equivocation, clock, log: silentLogger }, bundle)
}

/** What an honest bundle of the fleet's latest release holds. */
function contentOf({ fleet }: Pick<Arena, 'fleet'>): Content {
  const { root, timestamp, snapshot, targets, delegated } = fleet.published.trusted as Required<Published['trusted']>
  return {
    fleet: fleet.fleet,
    roots: [root.bytes],
    head: timestamp?.bytes ?? new Uint8Array(),
    snapshot: snapshot?.bytes ?? new Uint8Array(),
    targets: targets?.bytes ?? new Uint8Array(),
    members: delegated.members?.bytes ?? new Uint8Array(),
    documents: fleet.history.flatMap(({ documents }) => documents),
  }
}

async function bundleOf(content: Content): Promise<Bundle> {
  return await Bundle.from(new MemorySource(await archive(content)))
}

async function archive(content: Content): Promise<Buffer> {
  const { fleet, roots, head, snapshot, targets, members, documents, chunks = [], lies = [], base } = content
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0)
  const pack = (items: readonly Uint8Array[]) => {
    return packed(encodePackBody(items.map(each => ({ id: sha256(each), bytes: each }))))
  }
  const packs: [BundleFile, Uint8Array][] = [
    [{ kind: 'documents', number: 0 }, content.documentPack ?? (await pack(documents))],
    ...(lies.length === 0 ? [] : [await deltaFile(await pack(lies.map(({ frame }) => frame)))]),
    ...(chunks.length === 0 ? [] : [await chunkFile(content.chunkPack ?? (await pack(chunks)))]),
  ]
  let at = packBodyBytes(lies.length, 0)
  const deltas = lies.map(({ id, length, frame }) => {
    at += frame.length
    if (base === undefined) throw new RangeError('expected a base of the deltas')
    // Named smaller than it is where a true size would be refused at once.
    const packed = Math.min(frame.length, length - 1)
    return { id, pack: 0, offset: at - frame.length, packed, length, base }
  })
  let offset = packBodyBytes(chunks.length, 0)
  const index = chunks.map(chunk => {
    offset += chunk.length
    return { id: sha256(chunk), pack: 0, offset: offset - chunk.length, length: chunk.length }
  })
  const manifest = {
    v: 1,
    fleet,
    created: '2026-01-02T03:04:05Z',
    release: 1,
    configs: [],
    volume: 1,
    volumes: 1,
  } as const
  return await archiveOf([
    [{ kind: 'manifest' }, encodeManifest({ ...manifest, configs: [], chunks: chunks.length, bytes })],
    ...roots.map((root, i): [BundleFile, Uint8Array] => [{ kind: 'root', version: i + 1 }, root]),
    [{ kind: 'timestamp' }, head],
    [{ kind: 'snapshot' }, snapshot],
    [{ kind: 'targets' }, targets],
    [{ kind: 'delegated', role: 'members' }, members],
    ...packs,
    ...(deltas.length === 0 ? [] : [[{ kind: 'delta-index' }, encodeDeltaIndex(deltas)] as [BundleFile, Uint8Array]]),
    [{ kind: 'index' }, encodeIndex(index)],
  ])
}

async function chunkFile(bytes: Uint8Array): Promise<[BundleFile, Uint8Array]> {
  return [{ kind: 'chunks', number: 0 }, bytes]
}

async function deltaFile(bytes: Uint8Array): Promise<[BundleFile, Uint8Array]> {
  return [{ kind: 'deltas', number: 0 }, bytes]
}

async function someClosure() {
  const closure = await ChunkedClosure.of([memoryPath(testStorePath('kiosk'), noise('bundled', 300_000))])
  const { list } = closure
  const chunks = await Promise.all([...list.lengths.keys()].map(number => closure.chunk(number)))
  return { list, chunks }
}
