/** Members that lie about closures: wrong chunks, bombs, wrong recipes, closures that nobody released. With the real Nix. */

import assert from 'node:assert/strict'
import { zstdCompressSync } from 'node:zlib'
import { openStream } from '../../../node/mesh/transport/open-stream.ts'
import { FrameStream } from '../../../node/swarm/session/frame-stream.ts'
import { sha256, toHex } from '../../../protocol/encoding/hash.ts'
import type { Frame } from '../../../protocol/messages/swarm.ts'
import { connect, type TestPeer } from '../../helpers/mesh.ts'
import { answer, content, type StorePeer, SwarmWorld } from '../../helpers/swarm.ts'
import { until } from '../../helpers/until.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { HostilePeer } from '../hostile-peer.ts'

/** A hostile peer's knowledge when it is asked: the chunks that it lies about. */
interface Knowledge {
  count: number
  read(chunk: number): Promise<Uint8Array>
}

type Malice = (frames: FrameStream, asked: number[], knowledge: Knowledge) => Promise<void> | void

const chunkFrame = (chunk: number, bytes: Uint8Array): Frame => ({ type: 'chunk', chunk, encoding: 'raw', bytes })

/** Members that say they have everything and, once they are asked, do this. */
const lies: { id: string; tried: string; banned: boolean; malice: Malice }[] = [
  {
    id: 'chunk-wrong',
    tried: 'serves chunks in which a bit is flipped',
    banned: true,
    malice: async (frames, [chunk = 0], { read }) => {
      const bytes = Buffer.from(await read(chunk))
      bytes[7] = (bytes[7] ?? 0) ^ 1
      await frames.write(chunkFrame(chunk, bytes))
    },
  },
  {
    id: 'chunk-bomb',
    tried: 'packs 64 MiB into a chunk',
    banned: true,
    malice: async (frames, [chunk = 0]) =>
      await frames.write({ type: 'chunk', chunk, encoding: 'zstd', bytes: zstdCompressSync(Buffer.alloc(64 << 20)) }),
  },
  {
    id: 'chunk-unasked',
    tried: 'sends a chunk twice, once unasked',
    banned: true,
    malice: async (frames, [chunk = 0], { read }) => {
      const bytes = await read(chunk)
      await frames.write(chunkFrame(chunk, bytes))
      await frames.write(chunkFrame(chunk, bytes))
    },
  },
  {
    id: 'frame-giant',
    tried: 'announces a frame of 4 GiB',
    banned: true,
    malice: async frames => await frames.writeParts([Buffer.from([255, 255, 255, 255])]),
  },
  {
    id: 'lost-forever',
    tried: 'says that it has everything, and answers each request with a loss',
    banned: false,
    malice: async (frames, asked) => await frames.write({ type: 'lost', chunks: asked }),
  },
  {
    id: 'lost-never-had',
    tried: 'says that it lost all chunks, those that it never had too, and that it has none after all',
    banned: false,
    malice: async (frames, _, { count }) => {
      const chunks = Array.from({ length: count }, (_, chunk) => chunk)
      for (const type of ['missing', 'lost', 'lost'] as const) await frames.write({ type, chunks })
    },
  },
  {
    id: 'lost-beyond',
    tried: 'says that it lost a chunk that the closure does not have',
    banned: true,
    malice: async (frames, _, { count }) => await frames.write({ type: 'lost', chunks: [count] }),
  },
  {
    id: 'lost-flapping',
    tried: 'loses all its chunks and has them again, without an end',
    banned: true,
    malice: async (frames, _, { count }) => {
      const chunks = Array.from({ length: count }, (_, chunk) => chunk)
      for (let round = 0; round < 1_000; round++) {
        await frames.write({ type: 'lost', chunks })
        await frames.write({ type: 'have', chunks })
      }
    },
  },
  { id: 'chunk-stalled', tried: 'answers no request, and keeps the stream open', banned: false, malice: () => {} },
]

export const closureAttacks: Attack[] = [
  ...lies.map(
    ({ id, tried, banned, malice }): Attack => ({
      id,
      power: 'device key',
      needs: 'nix',
      tried,
      expected: `${banned ? 'banned for a while' : 'tolerated'}; nothing of it is staged or imported; the closure comes whole from an honest member`,
      run: arena => lied(arena, malice, banned),
    }),
  ),
  {
    id: 'closure-unreleased',
    power: 'device key',
    tried: "asks for the chunks of a closure that no release names, and of one with the name of a path's hash",
    expected: 'refused as unknown: only closures of accepted releases are served',
    async run(arena) {
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      for (const word of ['a closure', 'another']) {
        const frames = await hostile.swarm(connection, sha256(Buffer.from(word)))
        assert.deepEqual(await frames.read(), { type: 'refused', reason: 'unknown-closure' })
        frames.abort(new Error('done'))
      }
    },
  },
  {
    id: 'recipe-wrong',
    power: 'device key',
    needs: 'nix',
    tried: 'hands out, under the names of a closure and its recipes, other bytes',
    expected: 'refused by their hashes, nothing kept; they come from an honest member, and the closure is whole',
    async run(arena) {
      const { world, controller, device } = await scene(arena)
      const config = await world.release(controller, content('recipe', 600_000))
      await until(() => device.state.accepted?.release.version === 2, 'the device to hear of the release')
      const hostile = await HostilePeer.of(world.mesh, 'hostile', world.fleet)
      const { hash } = await world.known(controller, config)
      const lie = Buffer.alloc(500, 7)
      await hostile.serve({ twist: request => ('hash' in request ? lie : undefined) })
      await controller.host.hangUp(device.host.peerId)
      await hostile.join(device)
      await assert.rejects(device.closures.get(config))
      assert.ok(hostile.asked.some(request => 'hash' in request && toHex(request.hash) === toHex(hash)))
      assert.equal(await device.state.document(sha256(lie)), undefined)
      assert.equal(await device.state.document(hash), undefined)
      await connect(controller, device)
      await world.fetch(device, config)
      assert.deepEqual(await device.real.dump(config.topLevel), await controller.real.dump(config.topLevel))
    },
  },
]

async function scene(arena: Arena) {
  const world = await SwarmWorld.of(arena.ending)
  const controller = await world.controller()
  const device = await world.peer('device')
  for (const { supervisor } of [controller, device]) supervisor.stop()
  await connect(device, controller)
  return { world, controller, device }
}

async function lied(arena: Arena, malice: Malice, banned: boolean): Promise<void> {
  const { world, controller, device } = await scene(arena)
  const knowledge = Promise.withResolvers<Knowledge>()
  const met = Promise.withResolvers<void>()
  const liar = await world.hostile('liar', async frames => {
    const known = await knowledge.promise
    await answer(frames, { wants: false, bitfield: everything(known.count) }, async frame => {
      if (frame.type !== 'request') return
      // The victim may end the stream in the middle of it.
      try {
        await malice(frames, [...frame.chunks], known)
      } finally {
        met.resolve()
      }
    })
  })
  liar.supervisor.stop()
  const config = await world.release(controller, content('hostile', 900_000))
  const { list, hash, closure } = await world.known(controller, config)
  const { chunks } = await controller.swarms.open({ list, hash, closure })
  knowledge.resolve({ count: list.count, read: async chunk => (await chunks.read(chunk)) ?? new Uint8Array() })
  await world.known(device, config)
  await controller.host.hangUp(device.host.peerId)
  await connect(liar, device)
  const fetching = world.fetch(device, config)
  fetching.catch(() => {})
  await met.promise
  await connect(controller, device)
  const progress = await fetching
  assert.ok(progress.received <= progress.needed, 'expected each chunk once')
  assert.deepEqual(await device.real.dump(config.topLevel), await controller.real.dump(config.topLevel))
  await device.real.nixStore('--verify', '--check-contents')
  assert.equal(await isShunned(device, liar, hash), banned)
}

/** A bitfield of all numbers. */
function everything(count: number): Uint8Array {
  const bitfield = new Uint8Array(Math.ceil(count / 8)).fill(0xff)
  if (count % 8 > 0) bitfield[bitfield.length - 1] = 0xff << (8 - (count % 8))
  return bitfield
}

/** Whether a peer refuses to talk of a closure with another one that comes (again). */
async function isShunned(by: StorePeer, peer: TestPeer, closure: Uint8Array): Promise<boolean> {
  if (peer.host.getConnections(by.host.peerId).length === 0) await connect(peer, by)
  const frames = new FrameStream(await openStream(peer.host, by.host.peerId, peer.names.swarm))
  await frames.write({ type: 'open', closure }).catch(() => {})
  const answered = await frames.read().catch(() => undefined)
  frames.abort(new Error('done'))
  return answered === undefined
}
