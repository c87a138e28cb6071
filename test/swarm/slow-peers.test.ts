/** Members that ask for much and never read, or send byte by byte: they cost little, starve nobody, and are cut off. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openStream } from '../../node/mesh/transport/open-stream.ts'
import { StreamReader, writeTo } from '../../node/mesh/transport/stream-io.ts'
import { Bitfield } from '../../node/swarm/chunks/bitfield.ts'
import type { KnownClosure } from '../../node/swarm/chunks/closures.ts'
import { FrameStream } from '../../node/swarm/session/frame-stream.ts'
import type { OpenSwarm } from '../../node/swarm/session/open-swarms.ts'
import { SwarmService } from '../../node/swarm/session/swarm-service.ts'
import { UploadLimiter } from '../../node/swarm/session/upload-limiter.ts'
import { encodeFrame, type Frame } from '../../protocol/messages/swarm.ts'
import { ChunkedClosure, memoryPath } from '../helpers/chunked-closure.ts'
import { silentLogger } from '../helpers/log.ts'
import { connect, mesh, type TestPeer } from '../helpers/mesh.ts'
import { noise, storePath } from '../helpers/planted-nar.ts'
import { until } from '../helpers/until.ts'

const MIB = 1024 ** 2
const options = { timeout: 600_000 }
const closureBytes = 20 * MIB
/** The most bytes on their way to a peer that doesn't read: windows and buffers of both ends. */
const onItsWay = 8 * MIB
/** Instead of minutes. */
const patience = { idleMs: 1_000, bytesPerMs: 500 }
const hash = new Uint8Array(32).fill(7)

/** A victim that serves a closure from memory to so many at a time, and members that are connected to it. */
async function scene(t: TestContext, init: { places: number }) {
  const { peers } = await mesh(t, 4)
  const [victim, ...members] = peers as [TestPeer, TestPeer, TestPeer, TestPeer]
  const chunked = await ChunkedClosure.of([memoryPath(storePath('a'), noise('a', closureBytes))])
  const { closure, list } = chunked
  const bytes: Uint8Array[] = []
  for (let number = 0; number < list.count; number++) bytes.push(await chunked.chunk(number))
  const known: KnownClosure = { hash, closure, list }
  const served = { bytes: 0 }
  const chunks = {
    has: () => true,
    here: () => Bitfield.full(list.count),
    put: async () => {},
    read: async (number: number) => {
      served.bytes += bytes[number]?.length ?? 0
      return bytes[number]
    },
  }
  await victim.swarms.stop()
  const swarms = new SwarmService({
    host: victim.host,
    names: victim.names,
    admission: victim.admission,
    closures: { isReleased: () => true, held: async () => known } as never,
    uploads: new UploadLimiter({ peers: init.places }),
    openChunks: async () => ({ chunks: chunks as never, budget: {} as never, close: async () => {} }),
    certificate: victim.own.certificate,
    patience,
    log: silentLogger,
  })
  await swarms.start()
  t.after(() => swarms.stop())
  for (const member of members) await connect(member, victim)
  const { swarm }: OpenSwarm = await swarms.open(known)
  return { victim, members, list, served, swarm }
}

/** Opens a session by hand and leaves what the stream brings to the caller. */
async function enter(from: TestPeer, to: TestPeer) {
  const stream = await openStream(from.host, to.host.peerId, from.names.swarm)
  const send = (frame: Frame) => writeTo(stream, encodeFrame(frame), { idleMs: 10_000 })
  await send({ type: 'open', closure: hash })
  await send({ type: 'ready', wants: true, bitfield: new Uint8Array() })
  return { stream, send }
}

/** Asks for chunks as an honest member does, and waits for all of them. */
async function isServed(from: TestPeer, to: TestPeer, numbers: readonly number[]): Promise<void> {
  const frames = new FrameStream(await openStream(from.host, to.host.peerId, from.names.swarm))
  const limit = AbortSignal.timeout(120_000)
  await frames.write({ type: 'open', closure: hash })
  await frames.write({ type: 'ready', wants: true, bitfield: new Uint8Array() })
  await frames.write({ type: 'request', chunks: numbers })
  for (const left = new Set(numbers); left.size > 0; ) {
    const frame = await frames.read(limit)
    assert.ok(frame, 'the session lasts')
    assert.notEqual(frame.type, 'busy')
    if (frame.type === 'chunk') left.delete(frame.chunk)
  }
  frames.abort(new Error('done'))
}

test('a member that asks for much and never reads costs little, starves nobody, and is cut off', options, async t => {
  const { victim, members, list, served, swarm } = await scene(t, { places: 2 })
  const [hostile, one, two] = members as [TestPeer, TestPeer, TestPeer]
  globalThis.gc?.()
  const before = process.memoryUsage()
  const { stream, send } = await enter(hostile, victim)
  stream.pause()
  // Some hundred megabytes, again and again, and more than may wait: the answers to that are not read either.
  const all = Array.from({ length: list.count }, (_, number) => number)
  const asking = (async () => {
    for (let round = 0; round < 200; round++) await send({ type: 'request', chunks: all })
  })().catch(() => {})
  await until(() => served.bytes > 0, 'the victim to answer')
  await isServed(one, victim, all.slice(0, 50))
  const after = process.memoryUsage()
  const forHostile = served.bytes - list.lengths.slice(0, 50).reduce((sum, length) => sum + length)
  assert.ok(forHostile <= onItsWay, `expected at most ${onItsWay} bytes to be read for it, got ${forHostile}`)
  const grown = after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed
  assert.ok(grown < 64 * MIB, `expected memory to stay, it grew by ${grown} bytes`)
  await until(() => !swarm.hasSession(hostile.identity.peerId), 'the victim to cut it off')
  await asking
  const isOpen = () =>
    victim.host
      .getConnections(hostile.host.peerId)
      .some(({ streams }) =>
        streams.some(({ protocol, status }) => protocol === victim.names.swarm && status === 'open'),
      )
  assert.equal(isOpen(), false)
  // Its place is free: both others are served at the same time.
  await Promise.all([isServed(one, victim, all.slice(0, 50)), isServed(two, victim, all.slice(50, 100))])
})

test('a member that never reads the answer to its first word is cut off', options, async t => {
  const { victim, members, swarm } = await scene(t, { places: 1 })
  const [hostile, one] = members as [TestPeer, TestPeer, TestPeer]
  const stream = await openStream(hostile.host, victim.host.peerId, hostile.names.swarm)
  stream.pause()
  await writeTo(stream, encodeFrame({ type: 'open', closure: hash }), { idleMs: 10_000 })
  await isServed(one, victim, [1, 2, 3])
  assert.equal(swarm.hasSession(hostile.identity.peerId), false)
  await until(() => stream.status !== 'open', 'the handshake to be given up')
})

test('a member that sends byte by byte starves nobody, and is cut off in the middle of its frame', options, async t => {
  const { victim, members, swarm } = await scene(t, { places: 1 })
  const [hostile, one] = members as [TestPeer, TestPeer, TestPeer]
  const { stream } = await enter(hostile, victim)
  new StreamReader(stream)
  await until(() => swarm.hasSession(hostile.identity.peerId), 'the session')
  const frame = encodeFrame({ type: 'have', chunks: Array.from({ length: 250 }, () => 0) })
  let sent = 0
  const timer = setInterval(() => {
    if (stream.status !== 'open' || sent >= frame.length) return
    stream.send(frame.subarray(sent, sent + 1))
    sent++
  }, 20)
  t.after(() => clearInterval(timer))
  await until(() => sent > 5, 'some bytes')
  await isServed(one, victim, [1, 2, 3])
  await until(() => !swarm.hasSession(hostile.identity.peerId), 'the victim to cut it off')
  assert.ok(sent < frame.length, `expected it to be cut off within its frame, it sent ${sent} of ${frame.length} bytes`)
})
