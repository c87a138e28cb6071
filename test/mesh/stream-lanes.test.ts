/** Streams that go on on a lane, between real peers: all bytes come, once and in order, each direction ends by itself, and nobody else gets in. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { LaneStream } from '../../node/mesh/lane/lane-stream.ts'
import { type DialInit, dialLane } from '../../node/mesh/lane/lane-tls.ts'
import { withChannel } from '../../node/mesh/transport/channel.ts'
import {
  encodeLaneFrame,
  type LaneTicket,
  laneAnswerCodec,
  laneCiphers,
  streamLaneRequestCodec,
} from '../../protocol/messages/lane.ts'
import { listenerOf } from '../helpers/lanes.ts'
import { connect } from '../helpers/mesh.ts'
import {
  askForStreamLane,
  drained,
  hasLane,
  onMesh,
  readAll,
  type StreamEnd,
  streamScene,
  untilOnLane,
  writeNoise,
} from '../helpers/stream-lanes.ts'
import { until } from '../helpers/until.ts'

const options = { timeout: 300_000 }
const bytes = 3_000_000

async function ticketOf({ peer, number }: StreamEnd, to: StreamEnd): Promise<LaneTicket> {
  const ticket = await askForStreamLane(peer, to.peer, number)
  assert.ok('key' in ticket, JSON.stringify(ticket))
  return ticket
}

function dialWith(to: StreamEnd, ticket: LaneTicket, onOpen: DialInit['onOpen'] = () => {}): Promise<void> {
  return dialLane(listenerOf(to.peer), ticket, { onOpen, signal: new AbortController().signal })
}

for (const dialler of ['near', 'far'] as const) {
  test(`a stream that moves much goes on on a lane, both ways: the ${dialler} end has dialled`, options, async t => {
    const { near, far } = await streamScene(t, { dialler })
    const both = [near, far]
    const came = [0, 0]
    const read = Promise.all(
      both.map((each, i) =>
        readAll(each, all => {
          came[i] = all
        }),
      ),
    )
    const written = await Promise.all(both.map(each => writeNoise(each, bytes)))
    await until(() => both.every(hasLane), 'the lane')
    // A side writes to it once it knows that the other one has it, too.
    let probes = 0
    await until(async () => {
      const before = both.map(onMesh)
      await Promise.all(both.map(each => writeNoise(each, 100_000)))
      probes++
      // What was written may wait, and pass the mesh later.
      await until(() => came.every(all => all === bytes + probes * 100_000), 'all of it to come')
      return both.every((each, i) => onMesh(each) - (before[i] ?? 0) < 20_000)
    }, 'both to write to the lane')
    const start = both.map(onMesh)
    const more = await Promise.all([writeNoise(near, bytes), writeNoise(far, bytes)])
    assert.equal(written.length + more.length, 4)
    // The near one ends first, and the far one goes on.
    near.stream.end()
    await writeNoise(far, bytes)
    far.stream.end()
    const [atNear, atFar] = await read
    const probed = probes * 100_000
    assert.deepEqual([atNear?.bytes, atFar?.bytes], [3 * bytes + probed, 2 * bytes + probed])
    for (const [i, each] of both.entries())
      assert.ok(onMesh(each) - (start[i] ?? 0) < 0.25 * bytes, 'the mesh stays free')
    await until(() => both.every(({ stream }) => stream.closed), 'both ends to be closed')
  })
}

for (const times of [1, 2]) {
  test(`a stream goes on after ${times} of its lanes were given up in their handshakes`, options, async t => {
    const { near, far } = await streamScene(t)
    const stream = far.stream as LaneStream
    let left = times
    // As a slow machine does: the dialler's part of the handshake is over then.
    stream.accepted = lane => void (left-- > 0 ? lane.destroy() : LaneStream.prototype.accepted.call(stream, lane))
    const read = readAll(far)
    const hash = createHash('sha256')
    let written = 0
    const write = async () => {
      await writeNoise(near, 300_000, hash)
      written += 300_000
      return left <= 0
    }
    await until(write, 'the lanes to be given up')
    if (times === 1) await until(async () => (await write()) && [near, far].every(hasLane), 'the next lane')
    near.stream.end()
    const got = await read
    assert.deepEqual([got.bytes, got.hash], [written, hash.digest('hex')])
    assert.equal(hasLane(far), times === 1)
    far.stream.end()
  })
}

test('a stream stays on the mesh while it can not ask what has become of a lost lane', options, async t => {
  const { near, far } = await streamScene(t)
  const stream = far.stream as LaneStream
  let isLost = false
  let refused = 0
  const newStream = near.connection.newStream.bind(near.connection)
  near.connection.newStream = async (...args) => {
    // As where all places for questions are taken.
    if (isLost && refused < 2) {
      refused++
      throw new Error('too many streams')
    }
    return await newStream(...args)
  }
  stream.accepted = lane => {
    stream.accepted = LaneStream.prototype.accepted
    isLost = true
    lane.destroy()
  }
  const read = readAll(far)
  const hash = createHash('sha256')
  let written = 0
  const write = async () => {
    await writeNoise(near, 100_000, hash)
    written += 100_000
    return refused === 2 && [near, far].every(hasLane)
  }
  await until(write, 'the next lane')
  near.stream.end()
  const got = await read
  assert.deepEqual([got.bytes, got.hash], [written, hash.digest('hex')])
  far.stream.end()
})

test('the bytes are the same, whatever was under way when the lane opened', options, async t => {
  const { near, far } = await streamScene(t)
  const read = readAll(far)
  // The other direction has ended before there is a lane.
  far.stream.end()
  near.stream.resume()
  const all = createHash('sha256')
  let written = 0
  let hash = ''
  // It may be open before the first bytes have gone, or long after them.
  await until(async () => {
    hash = await writeNoise(near, bytes, all)
    written += bytes
    return hasLane(near)
  }, 'the lane')
  hash = await writeNoise(near, bytes, all)
  near.stream.end()
  assert.deepEqual(await read, { hash, bytes: written + bytes })
})

test('a stream that moves little, and one beside which there is no lane, stay on the mesh', options, async t => {
  const little = await streamScene(t)
  const answered = readAll(little.near)
  little.near.stream.end('question')
  assert.equal((await readAll(little.far)).bytes, 8)
  little.far.stream.end('answer')
  assert.equal((await answered).bytes, 6)
  assert.ok(!hasLane(little.near))
  for (const init of [{ near: { lanes: false } }, { far: { lanes: false } }]) {
    const { near, far } = await streamScene(t, init)
    const read = readAll(far)
    const hash = await writeNoise(near, bytes)
    near.stream.end()
    assert.deepEqual(await read, { hash, bytes })
    assert.ok(!hasLane(near) && !hasLane(far))
  }
})

test('where the lane can not be opened, all stays on the mesh', options, async t => {
  const { near, far } = await streamScene(t)
  const { host, names } = far.peer
  await host.unhandle(names.streamLane)
  let asked = 0
  await host.handle(names.streamLane, async stream => {
    await withChannel(stream, undefined, async channel => {
      await channel.receive(streamLaneRequestCodec)
      asked++
      const ticket = { name: new Uint8Array(16), key: new Uint8Array(32), cipher: laneCiphers[0] }
      await channel.send(laneAnswerCodec, ticket)
    })
  })
  const read = readAll(far)
  const hash = await writeNoise(near, bytes)
  near.stream.end()
  assert.deepEqual(await read, { hash, bytes })
  assert.deepEqual([asked, hasLane(near)], [1, false])
})

test('a lane that is cut ends the stream in an error, not in an end', options, async t => {
  const { near, far } = await streamScene(t)
  await untilOnLane(near, far)
  const read = readAll(far)
  const { port } = listenerOf(far.peer)
  const handles = (process as unknown as { _getActiveHandles(): object[] })._getActiveHandles()
  for (const each of handles as { remotePort?: number; end?(): void; encrypted?: boolean }[]) {
    // An end of TCP, as somebody on the way can forge it.
    if (each.remotePort === port && each.encrypted === true) each.end?.()
  }
  await assert.rejects(read, { code: 'ended' })
  await until(() => near.stream.destroyed, 'the other end to know')
})

test('the end of the mesh’s connection, and of either side, ends the lane', options, async t => {
  const cut = await streamScene(t)
  await untilOnLane(cut.near, cut.far)
  cut.near.connection.abort(new Error('the test ends it'))
  await until(() => cut.near.stream.destroyed && cut.far.stream.destroyed, 'both ends to be over')
  const ended = await streamScene(t)
  await untilOnLane(ended.near, ended.far)
  // As when a grant is revoked.
  ended.far.stream.destroy(new Error('revoked'))
  await until(() => ended.near.stream.destroyed, 'the near end to be over')
})

test('a writer waits for a slow reader', options, async t => {
  const { near, far } = await streamScene(t)
  await untilOnLane(near, far)
  let written = 0
  const filling = (async () => {
    for (; written < 200_000_000; written += 100_000) {
      if (near.stream.write(Buffer.alloc(100_000))) continue
      await drained(near.stream)
      if (near.stream.destroyed) return
    }
  })()
  let last = -1
  await until(() => {
    const isStill = written > 0 && written === last
    last = written
    return isStill
  }, 'the writer to wait')
  assert.ok(written < 100_000_000, 'expected it to be held up')
  assert.ok(far.stream.readableLength < 2_000_000)
  near.stream.destroy()
  await filling
})

test('tickets are for one stream of one connection, once, and for who knows the key', options, async t => {
  const { mesh, fleet, near, far } = await streamScene(t)
  const other = await mesh.start({ word: 'other', fleet })
  await connect(other, far.peer)
  // Streams of others, and those that there are none.
  assert.deepEqual(await askForStreamLane(other, far.peer, near.number), { error: 'no-session' })
  assert.deepEqual(await askForStreamLane(near.peer, far.peer, near.number + 2000), { error: 'no-session' })
  const replaced = await ticketOf(near, far)
  const guessed = await ticketOf(near, far)
  await assert.rejects(dialWith(far, replaced), 'a newer ticket replaces it')
  // The name was seen by an eavesdropper; a wrong key uses the ticket up.
  await assert.rejects(dialWith(far, { ...guessed, key: new Uint8Array(32) }))
  await assert.rejects(dialWith(far, guessed))
  const good = await ticketOf(near, far)
  await dialWith(far, good)
  await until(() => hasLane(far), 'the lane')
  await assert.rejects(dialWith(far, good), 'it is used')
  assert.deepEqual(await askForStreamLane(near.peer, far.peer, near.number), { error: 'busy' })
  // Nothing but the pre-shared key counts.
  const plain = connectTls({ ...listenerOf(far.peer), host: listenerOf(far.peer).ip, rejectUnauthorized: false })
  await new Promise<void>(resolve => plain.once('error', () => resolve()).once('close', () => resolve()))
  plain.destroy()
})

test('what is no frame, and what comes after the end, ends the stream', options, async t => {
  for (const [word, sent] of [
    ['bytes after the end', [encodeLaneFrame(0), encodeLaneFrame(1), Buffer.from('x')]],
    ['a frame of 4 GiB', [encodeLaneFrame(0xffff_ffff)]],
    ['half a frame', [encodeLaneFrame(1000), Buffer.from('half')]],
  ] as const) {
    const { near, far } = await streamScene(t)
    const read = readAll(far)
    read.catch(() => {})
    const opened = Promise.withResolvers<TLSSocket>()
    await dialWith(far, await ticketOf(near, far), socket => {
      socket.on('error', () => {})
      for (const each of sent) socket.write(each)
      socket.resume()
      opened.resolve(socket)
    })
    const socket = await opened.promise
    // Else the direction is over before the lane is there, as it may be.
    await until(() => hasLane(far) || far.stream.destroyed, 'the lane')
    near.stream.end()
    if (word === 'half a frame') socket.end()
    // What had ended before may have been read by then; the other direction had not ended, so only an error ends the stream.
    if (word === 'bytes after the end') await read.catch(() => {})
    else await assert.rejects(read, word)
    await until(() => far.stream.destroyed, `the end of the stream: ${word}`)
  }
})
