/** Deltas in bundles: as small as in the mesh, only where all receivers hold the bases, and believed as little as all else. */

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Bundle } from '../../node/bundle/bundle.ts'
import { packed } from '../../node/bundle/packing.ts'
import { verifyBundle } from '../../node/bundle/verify-bundle.ts'
import type { BundleWish } from '../../node/carry/bundle-maker.ts'
import { takeBundle } from '../../node/carry/take-bundle.ts'
import type { BundleFile } from '../../protocol/bundle/bundle-files.ts'
import { type DeltaEntry, deltaEntryAt, deltaEntryBytes, encodeDeltaIndex } from '../../protocol/bundle/delta-index.ts'
import { decodePackBody, encodePackBody } from '../../protocol/bundle/pack.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import { silentLogger } from '../helpers/log.ts'
import { archiveOf, MemorySource } from '../helpers/memory-bundle.ts'
import { content, edited, type StorePeer, SwarmWorld } from '../helpers/swarm.ts'
import { nixSkip } from '../nix/workshop.ts'

interface Scene {
  readonly world: SwarmWorld
  /** Runs the first release; nobody is connected to it. */
  readonly device: StorePeer
  /** A bundle of the second release since the first, with deltas, and without. */
  readonly file: string
  /** All of the first release. */
  readonly first: string
  readonly plain: string
  readonly config: ReleasedConfig
}

describe('deltas in bundles', { skip: nixSkip() }, () => {
  it('make an update as small as in the mesh, for whoever has the release before', async t => {
    const { world, device, file, plain, config } = await scene(t)
    const [small, large] = [(await stat(file)).size, (await stat(plain)).size]
    assert.ok(small < large / 8, `${small} of ${large} bytes`)
    const source = new MemorySource(await readFile(file))
    assert.equal(await verifyBundle(source), small)
    await take(t, device, await Bundle.open(file))
    const progress = await world.fetch(device, config)
    assert.equal(progress.received, 0, 'no peer has sent anything')
    await device.real.nixStore('--verify', '--check-contents')
  })

  it('are no chunks for a device that has only the documents of the release before', async t => {
    const { world, first, file, config } = await scene(t)
    const fresh = await world.peer('fresh')
    const before = await Bundle.open(first)
    await take(t, fresh, before)
    await world.known(fresh, firstOf(fresh))
    fresh.shelf.detach(before)
    await take(t, fresh, await Bundle.open(file))
    const { list, ...known } = await world.known(fresh, config)
    const { chunks } = await fresh.swarms.open({ list, ...known })
    const here = [...list.lengths.keys()].filter(number => chunks.has(number))
    assert.ok(here.length < list.count / 4, `${here.length} of ${list.count}`)
  })

  it('are refused one by one when they lie: other bases, other frames, bombs, frames that are not there', async t => {
    const { world, device, file, config } = await scene(t)
    const entries = await filesOf(file)
    const of = (kind: BundleFile['kind']) => entries.find(([each]) => each.kind === kind)?.[1] ?? assert.fail(kind)
    const index = of('delta-index')
    const all = Array.from({ length: index.length / deltaEntryBytes }, (_, i) => deltaEntryAt(index, i))
    const lies: [string, (entry: DeltaEntry) => DeltaEntry][] = [
      ['another base', entry => ({ ...entry, base: { ...entry.base, first: 0, count: 1 } })],
      ['a base that is not there', entry => ({ ...entry, base: { ...entry.base, first: 4_000_000_000 } })],
      ['an unknown recipe', entry => ({ ...entry, base: { ...entry.base, recipe: sha256(Buffer.from('x')) } })],
      ['another frame', entry => ({ ...entry, offset: all[0]?.offset ?? 0, packed: all[0]?.packed ?? 0 })],
      ['a pack beyond the last', entry => ({ ...entry, pack: 60_000 })],
    ]
    for (const [what, lie] of lies) {
      const lied = all.map((entry, i) => (i === 0 ? entry : lie(entry)))
      await rejected(t, { world, device, config }, what, replaced(entries, 'delta-index', encodeDeltaIndex(lied)))
    }
    // A frame of a GiB of zeros in the place of each.
    const bomb = await packed(Buffer.alloc(64 << 20))
    const frames = all.map(() => ({ id: sha256(bomb), bytes: bomb }))
    const body = encodePackBody(frames)
    const places = decodePackBody(body)
    const bombs = all.map((entry, i) => ({ ...entry, pack: 0, offset: places[i]?.offset ?? 0, packed: bomb.length }))
    const changed = replaced(replaced(entries, 'deltas', await packed(body)), 'delta-index', encodeDeltaIndex(bombs))
    await rejected(t, { world, device, config }, 'bombs', changed)
    // The true one still works.
    await take(t, device, await Bundle.open(file))
    assert.equal((await world.fetch(device, config)).received, 0)
  })

  it('are refused as a whole when their index can be of no delta', async t => {
    const { file } = await scene(t)
    const entries = await filesOf(file)
    const index = Buffer.from(entries.find(([each]) => each.kind === 'delta-index')?.[1] ?? assert.fail())
    const odd = (change: (bytes: Buffer) => void) => {
      const copy = Buffer.from(index)
      change(copy)
      return copy
    }
    for (const bytes of [
      odd(copy => copy.writeUInt32BE(0, deltaEntryBytes - 4)),
      odd(copy => copy.writeUInt32BE(49, deltaEntryBytes - 4)),
      odd(copy => copy.writeUInt32BE(0xffffffff, 44)),
    ]) {
      const bundle = await Bundle.from(new MemorySource(await archiveOf(replaced(entries, 'delta-index', bytes))))
      t.after(() => bundle.close())
      await assert.rejects(bundle.findDeltas([sha256(Buffer.from('x'))]), { code: 'malformed' })
    }
    const cut = replaced(entries, 'delta-index', index.subarray(1))
    await assert.rejects(async () => await archiveOf(cut), { code: 'malformed' })
    const unsorted = Buffer.concat([index.subarray(deltaEntryBytes), index.subarray(0, deltaEntryBytes)])
    const wrong = new MemorySource(await archiveOf(replaced(entries, 'delta-index', unsorted)))
    await assert.rejects(verifyBundle(wrong), { code: 'damaged' })
  })
})

async function scene(t: TestContext): Promise<Scene> {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-deltas-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const file = (name: string) => join(directory, `${name}.thymesh`)
  const before = content('deltas in a bundle')
  const first = await world.release(controller, before)
  await write(controller, file('first'))
  const device = await world.peer('device')
  await take(t, device, await Bundle.open(file('first')))
  await world.fetch(device, first)
  const since = controller.state.accepted?.release.version ?? 0
  const config = await world.release(controller, edited(before))
  await write(controller, file('deltas'), { since })
  await write(controller, file('plain'), { since, deltas: false })
  return { world, device, first: file('first'), file: file('deltas'), plain: file('plain'), config }
}

function firstOf({ state }: StorePeer): ReleasedConfig {
  return state.accepted?.release.configs.kiosk ?? assert.fail('no release')
}

async function write(controller: StorePeer, file: string, wish: BundleWish = {}): Promise<void> {
  const plan = await controller.door.bundles.plan(wish)
  await controller.door.bundles.writeFile(plan, file, { number: 1, now: new Date() })
}

async function take(t: TestContext, device: StorePeer, bundle: Bundle): Promise<void> {
  t.after(() => bundle.close())
  const { state, directory, closures, shelf, equivocation, peerState } = device
  const parts = { state, directory, closures, shelf, equivocation, clock: peerState.clock, log: silentLogger }
  await takeBundle(parts, bundle)
}

/** What a lying bundle comes to: its chunks are not taken, and nothing else happens. */
async function rejected(
  t: TestContext,
  { world, device, config }: Pick<Scene, 'world' | 'device' | 'config'>,
  what: string,
  entries: [BundleFile, Uint8Array][],
): Promise<void> {
  const bundle = await Bundle.from(new MemorySource(await archiveOf(entries)))
  await take(t, device, bundle)
  const known = await world.known(device, config)
  const { chunks } = await device.swarms.open(known)
  let wrong = 0
  for (const number of known.list.lengths.keys()) {
    const bytes = chunks.has(number) ? await chunks.read(number) : undefined
    if (bytes === undefined) wrong++
    else assert.deepEqual(sha256(bytes), Uint8Array.from(known.list.hash(number)), what)
  }
  assert.ok(wrong > 10, `${what}: ${wrong} chunks are not to be had`)
  device.shelf.detach(bundle)
}

async function filesOf(file: string): Promise<[BundleFile, Uint8Array][]> {
  const bytes = await readFile(file)
  const bundle = await Bundle.open(file)
  const files = bundle.places.map(({ file: each, offset, size }): [BundleFile, Uint8Array] => {
    return [each, bytes.subarray(offset, offset + size)]
  })
  await bundle.close()
  return files.filter(([{ kind }]) => kind !== 'end')
}

function replaced(
  entries: readonly [BundleFile, Uint8Array][],
  kind: BundleFile['kind'],
  bytes: Uint8Array,
): [BundleFile, Uint8Array][] {
  const at = entries.findIndex(([file]) => file.kind === kind)
  return entries
    .filter(([file], i) => file.kind !== kind || i === at)
    .map(([file, before]) => [file, file.kind === kind ? bytes : before])
}
