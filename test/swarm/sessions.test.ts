/** Tests of sessions between peers: the order, number and rate of uploads, and the stream that stays. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStream } from '../../node/mesh/transport/open-stream.ts'
import { FrameStream } from '../../node/swarm/session/frame-stream.ts'
import type { Frame } from '../../protocol/messages/swarm.ts'
import { connect, type TestPeer } from '../helpers/mesh.ts'
import { connectAll, content, type StorePeer, SwarmWorld } from '../helpers/swarm.ts'
import { until } from '../helpers/until.ts'
import { missingNix } from '../store/real-stores.ts'

const options = { skip: await missingNix(), timeout: 600_000 }

/** Opens a stream by hand and says the first word. */
async function open(from: TestPeer, to: TestPeer, closure: Uint8Array): Promise<[FrameStream, Frame | undefined]> {
  const frames = new FrameStream(await openStream(from.host, to.host.peerId, from.names.swarm))
  await frames.write({ type: 'open', closure })
  return [frames, await frames.read()]
}

/** Opens a session by hand, as one that has nothing and fetches. */
async function enter(from: TestPeer, to: TestPeer, closure: Uint8Array): Promise<FrameStream> {
  const [frames, ready] = await open(from, to, closure)
  assert.equal(ready?.type, 'ready')
  await frames.write({ type: 'ready', wants: true, bitfield: new Uint8Array() })
  return frames
}

/** The next frame that is no news of what the other has. */
async function next(frames: FrameStream): Promise<Frame | undefined> {
  for (;;) {
    const frame = await frames.read()
    if (frame?.type !== 'have' && frame?.type !== 'ready') return frame
  }
}

async function served(t: Parameters<typeof SwarmWorld.of>[0], upload = {}) {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller({ settings: { upload } })
  const config = await world.release(controller, content('served', 600_000))
  const { hash, list } = await world.known(controller, config)
  return { world, controller, config, hash, list }
}

test('only closures of verified releases are served', options, async t => {
  const { world, controller, hash } = await served(t)
  const other = await world.build(controller.real, content('unreleased', 30_000))
  const { describeClosure } = await import('../../controller/build/describe.ts')
  const unreleased = await controller.closures.add(await describeClosure(controller.door.closures, other, world.key))
  const device = await world.hostile('device', async () => {})
  await connect(device, controller)
  for (const closure of [new Uint8Array(32), unreleased.multihash.digest]) {
    const [, answer] = await open(device, controller, closure)
    assert.deepEqual(answer, { type: 'refused', reason: 'unknown-closure' })
  }
  const [, ready] = await open(device, controller, hash)
  assert.equal(ready?.type, 'ready')
})

test('upload places are told to be taken, and given back when nothing is asked', options, async t => {
  const { world, controller, hash } = await served(t, { peers: 1, bytesPerSecond: 100_000 })
  const [a, b] = [await world.hostile('a', async () => {}), await world.hostile('b', async () => {})]
  await connectAll(controller, a, b)
  const first = await enter(a, controller, hash)
  const second = await enter(b, controller, hash)
  await first.write({ type: 'request', chunks: [0, 1, 2, 3] })
  assert.equal((await next(first))?.type, 'chunk')
  await second.write({ type: 'request', chunks: [0] })
  assert.equal((await next(second))?.type, 'busy')
  await first.write({ type: 'cancel', chunks: [1, 2, 3] })
  // Its session stays, its place is free when what was under way has gone.
  await until(async () => {
    await second.write({ type: 'request', chunks: [0] })
    return (await next(second))?.type === 'chunk'
  }, 'a place')
})

test('one that asks for too much at once is told so, and asks again', options, async t => {
  const { world, controller, hash } = await served(t, { bytesPerSecond: 100_000 })
  const a = await world.hostile('a', async () => {})
  await connect(a, controller)
  const frames = await enter(a, controller, hash)
  for (let each = 0; each < 3; each++) await frames.write({ type: 'request', chunks: Array(2000).fill(0) })
  for (let frame = await next(frames); frame?.type !== 'busy'; frame = await next(frames)) {
    assert.equal(frame?.type, 'chunk')
  }
  await frames.write({ type: 'request', chunks: [1] })
  await until(async () => {
    const frame = await next(frames)
    return frame?.type === 'chunk' && frame.chunk === 1
  }, 'the answer to the last request')
})

test('documents are answered while chunks flow, and the upload rate holds', options, async t => {
  const bytesPerSecond = 400_000
  const { world, controller, config } = await served(t, { bytesPerSecond })
  const device = await world.peer('device')
  await connect(device, controller)
  await world.known(device, config)
  const began = performance.now()
  let most = 0
  const fetching = world.fetch(device, config, {
    onProgress: ({ wire }) => {
      most = Math.max(most, wire - ((performance.now() - began) / 1000) * bytesPerSecond)
    },
  })
  const fetched = fetching.then(() => 'the closure')
  const request = { hash: config.closure.multihash.digest }
  const document = device.documents.ask(controller.host.peerId, request, 1e6).then(() => 'the document')
  assert.equal(await Promise.race([fetched, document]), 'the document')
  await fetching
  // A quarter of a second's bucket, and one chunk of debt.
  assert.ok(most <= bytesPerSecond * 0.25 + 256 * 1024, `expected no more than the rate, got ${most} bytes ahead of it`)
})

test('when both dial at once exactly one session stays, and works', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const [a, b] = [await world.peer('a'), await world.peer('b')]
  const config = await world.release(controller, content('both', 600_000))
  await connectAll(controller, a, b)
  await connect(a, b)
  const known = await Promise.all([a, b].map(peer => world.known(peer, config)))
  for (let round = 0; round < 10; round++) {
    const entries = await Promise.all([a, b].map((peer, i) => peer.swarms.open(known[i] as never)))
    const [x, y] = entries
    assert.ok(x && y)
    for (const { swarm } of entries) swarm.fetch([])
    a.swarms.connect(x)
    // The other side dials in the same turn of the event loop, in the next one, or some turns later.
    for (let turn = 0; turn < (round % 3) * round; turn++) await new Promise(setImmediate)
    b.swarms.connect(y)
    const streams = (peer: StorePeer, other: StorePeer) =>
      peer.host
        .getConnections(other.host.peerId)
        .flatMap(each => each.streams.filter(s => s.protocol === peer.names.swarm))
    const both = () => x.swarm.hasSession(b.identity.peerId) && y.swarm.hasSession(a.identity.peerId)
    await until(() => both() && streams(a, b).length === 1 && streams(b, a).length === 1, 'one session')
    for (const { swarm } of entries) swarm.endFetch()
    // As if a minute had passed: nobody wants anything, so that streams and memory are given back.
    await until(() => {
      for (const peer of [a, b]) peer.swarms.maintain(Date.now() + 70_000)
      return x.swarm.sessionCount === 0 && y.swarm.sessionCount === 0 && streams(a, b).length === 0
    }, 'idle sessions to end')
  }
})

test('a peer of the version before, which knows no losses, gets a closure and gives it', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const [old, device] = [await world.peer('old'), await world.peer('device')]
  await old.host.unhandle(old.names.swarm)
  const config = await world.release(controller, content('versions', 600_000))
  await connectAll(old, controller)
  await connectAll(old, device)
  // The controller is not reached by the device: all of it comes over streams of the older protocol.
  const known = await world.known(old, config)
  const entry = await controller.swarms.open(known)
  const fetching = world.fetch(old, config)
  controller.swarms.connect(entry)
  await fetching
  await world.fetch(device, config)
  const protocols = device.host.getConnections(old.host.peerId).flatMap(each => each.streams.map(s => s.protocol))
  assert.ok(protocols.includes(old.names.swarmWithoutLosses))
  assert.ok(!protocols.includes(old.names.swarm))
})
