/** A stick that is pulled out at random points, and put in again: each time the fetch goes on, and little is read twice. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { Bundle } from '../../node/bundle/bundle.ts'
import { type ByteSource, openByteSource } from '../../node/bundle/byte-source.ts'
import { takeBundle } from '../../node/carry/take-bundle.ts'
import { ThymeshError } from '../../protocol/errors.ts'
import { silentLogger } from '../helpers/log.ts'
import { content, SwarmWorld } from '../helpers/swarm.ts'
import { nixSkip } from '../nix/workshop.ts'

/** By hand: THYMESH_YANKS=50 node --test test/bundle/yanks.test.ts */
const yanks = Number(process.env.THYMESH_YANKS ?? 4)
const MiB = 1024 ** 2
/** What a yank may cost in reads. */
const mostTwice = 8 * MiB

/** Reads are counted by blocks of the stick, wherever they begin; the headers' windows and the index share some. */
const blockBytes = 512

/** A stick: after so many bytes it is gone, in the middle of a read. */
class Stick implements ByteSource {
  readonly #source: ByteSource
  /** Blocks that any stick was asked for. */
  readonly #seen: Set<number>
  readonly #onGone: () => void
  #left: number
  /** Bytes that were read before this stick was put in, too. */
  twice = 0

  constructor(source: ByteSource, init: { bytes: number; seen: Set<number>; onGone: () => void }) {
    this.#source = source
    this.#left = init.bytes
    this.#seen = init.seen
    this.#onGone = init.onGone
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (this.#left < length) {
      this.#left = 0
      this.#onGone()
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    }
    this.#left -= length
    for (let block = Math.floor(offset / blockBytes); block * blockBytes < offset + length; block++) {
      if (this.#seen.has(block)) this.twice += blockBytes
      this.#seen.add(block)
    }
    return await this.#source.read(offset, length)
  }

  close(): Promise<void> {
    return this.#source.close()
  }
}

it(`${yanks} yanks are survived, with at most 8 MiB read twice each`, {
  skip: nixSkip(),
  timeout: 900_000,
}, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const scratch = await mkdtemp(join(tmpdir(), 'thymesh-yanks-'))
  t.after(() => rm(scratch, { recursive: true, force: true }))
  // Two paths, each larger than a pack by far: a yank in one of them must not begin it from the start.
  const config = await world.release(controller, content('yanked', 45_000_000))
  const file = join(scratch, 'yanked.thymesh')
  const plan = await controller.door.bundles.plan({})
  await controller.door.bundles.writeFile(plan, file, { number: 1, now: new Date() })
  const whole = (await stat(file)).size
  const device = await world.peer('device')
  const { state, directory, closures, shelf, equivocation, peerState } = device
  const parts = { state, directory, closures, shelf, equivocation, clock: peerState.clock, log: silentLogger }
  const seen = new Set<number>()
  const signal = AbortSignal.timeout(800_000)
  // As the daemon does: an attempt whose chunks vanish again and again ends, and the next one begins.
  const fetched = async (): Promise<unknown> =>
    await world.fetch(device, config, { signal }).catch(async (thrown: unknown) => {
      if (signal.aborted || !(thrown instanceof ThymeshError)) throw thrown
      return await fetched()
    })
  let fetching: Promise<unknown> | undefined
  const twice: number[] = []
  for (let yank = 0; yank <= yanks; yank++) {
    const gone = Promise.withResolvers<void>()
    // Between nothing but headers and a few packs; the last stick stays.
    const bytes = yank === yanks ? Number.POSITIVE_INFINITY : Math.floor(Math.random() * ((1.4 * whole) / yanks))
    const stick = new Stick(await openByteSource(file), { bytes, seen, onGone: () => gone.resolve() })
    const bundle = await Bundle.from(stick, { scratch, kept: shelf.packs }).catch(() => undefined)
    try {
      if (bundle === undefined) continue
      const taken = await takeBundle(parts, bundle).then(
        () => true,
        () => false,
      )
      if (!taken) continue
      fetching ??= fetched()
      const ended = await Promise.race([fetching.then(() => true), gone.promise.then(() => false)])
      if (ended) break
    } finally {
      twice.push(stick.twice)
      if (bundle !== undefined) {
        shelf.detach(bundle)
        await bundle.close()
      }
    }
  }
  await fetching
  assert.ok(await device.store.isValid(config.topLevel))
  const most = Math.max(...twice)
  t.diagnostic(
    `${twice.length} sticks; read twice: at most ${(most / MiB).toFixed(1)} MiB, of ${(whole / MiB).toFixed(0)}`,
  )
  assert.ok(most <= mostTwice, `${twice}`)
})
