/** Tests of bulk lanes over TLS on loopback: what they carry, whom they admit, and how they end. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { fromHex } from '../../../protocol/encoding/hash.ts'
import { type LaneCipher, type LaneTicket, laneCiphers } from '../../../protocol/messages/lane.ts'
import { type ChunkFrame, encodeChunkHeader, encodeFrame } from '../../../protocol/messages/swarm.ts'
import { dialChunkLane } from '../../../test/helpers/lanes.ts'
import { noise } from '../../../test/helpers/planted-nar.ts'
import { poisonFreed } from '../../../test/helpers/poisoned-chunks.ts'
import { poll, until } from '../../../test/helpers/until.ts'
import { LaneDoor } from '../../mesh/lane/lane-tls.ts'
import { Tickets } from '../../mesh/lane/tickets.ts'
import { chunkMemory } from '../chunks/chunk-memory.ts'
import { lanePendingBytes } from '../limits.ts'
import { acceptedLane } from './chunk-lane.ts'
import type { FramePatience } from './frame-patience.ts'
import type { Lane } from './lane.ts'

const ip = '127.0.0.1'
const options = { timeout: 120_000 }
const never = new AbortController().signal
const aes: LaneCipher = laneCiphers[0]

/** What came on one end, and why it ended. */
class End {
  readonly lane: Lane
  readonly frames: ChunkFrame[] = []
  ended: unknown

  constructor(lane: Lane, hold: Promise<void> = Promise.resolve()) {
    this.lane = lane
    lane.use({
      onChunk: async frame => {
        this.frames.push(frame)
        await hold
      },
      onEnded: reason => {
        this.ended = reason
      },
    })
  }

  send(chunk: number, bytes: Uint8Array): Promise<void> {
    return this.lane.write([encodeChunkHeader(chunk, 'raw', bytes.length), bytes], never)
  }
}

/** A door on loopback, with tickets by holder. */
interface DoorInit {
  patience?: FramePatience
  handshakes?: number
  hold?: Promise<void>
}

async function door(t: TestContext, { patience, handshakes, hold }: DoorInit = {}) {
  const tickets = new Tickets<{ word: string }>()
  const ends = new Map<string, End>()
  const takes: string[] = []
  const take = (name: string) => {
    takes.push(name)
    return tickets.take(name)
  }
  const onLane = (socket: TLSSocket, { word }: { word: string }) =>
    void ends.set(word, new End(acceptedLane(socket, patience), hold))
  const lanes = new LaneDoor(take, onLane, handshakes === undefined ? {} : { handshakes })
  await lanes.open()
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    lanes.answer(socket)
  })
  await once(server.listen(0, ip), 'listening')
  t.after(() => {
    tickets.stop()
    lanes.stop()
    server.close()
  })
  const end = { ip, port: (server.address() as AddressInfo).port }
  const ticket = (word: string, cipher = aes) => tickets.issue({ word }, cipher, () => {})
  const dial = (given: LaneTicket) => dialChunkLane(end, given, { patience, signal: never })
  const opened = async (word: string, cipher = aes) => {
    const near = new End(await dial(ticket(word, cipher)))
    t.after(() => near.lane.close())
    await until(() => ends.has(word), 'the lane at the other end')
    return { near, far: ends.get(word) as End }
  }
  return { end, tickets, ticket, dial, opened, ends, sockets, takes, lanes }
}

for (const cipher of laneCiphers) {
  test(`carries chunks both ways, byte by byte the same: ${cipher}`, options, async t => {
    const { near, far } = await (await door(t)).opened('a', cipher)
    const sizes = [1, 10, 16_384, 65_536, 262_144, 262_144 + 1024, 3]
    const chunks = sizes.map((size, i) => noise(`chunk ${i}`, size))
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as [End, End][]) {
      for (const [i, bytes] of chunks.entries()) await from.send(i, bytes)
      await until(() => to.frames.length === sizes.length, 'all chunks')
      for (const [i, { chunk, encoding, bytes }] of to.frames.entries()) {
        assert.deepEqual([chunk, encoding], [i, 'raw'])
        assert.ok(Buffer.from(bytes).equals(chunks[i] as Uint8Array), `chunk ${i}`)
      }
    }
  })
}

test('a ticket is for one connection, and a later one with it is refused', options, async t => {
  const { ticket, dial, ends } = await door(t)
  const mine = ticket('a')
  const lane = new End(await dial(mine))
  await until(() => ends.has('a'), 'the lane')
  await assert.rejects(dial(mine))
  await lane.send(1, noise('x', 100))
  await until(() => ends.get('a')?.frames.length === 1, 'the chunk on the first lane')
  lane.lane.close()
})

test('a wrong key opens nothing, and uses the ticket up', options, async t => {
  const { ticket, dial, ends } = await door(t)
  const mine = ticket('a')
  await assert.rejects(dial({ ...mine, key: noise('another key', 32) }))
  await assert.rejects(dial(mine))
  assert.equal(ends.size, 0)
})

test('a ticket that was made up, taken back or replaced opens nothing', options, async t => {
  const { tickets, dial, ends } = await door(t)
  await assert.rejects(dial({ name: noise('name', 16), key: noise('key', 32), cipher: aes }))
  const holder = { word: 'a' }
  const [first, second] = [tickets.issue(holder, aes, () => {}), tickets.issue(holder, aes, () => {})]
  await assert.rejects(dial(first))
  tickets.revoke(holder)
  await assert.rejects(dial(second))
  assert.equal(ends.size, 0)
})

test('a ticket is over after its time', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const tickets = new Tickets()
  let gone = 0
  const { name } = tickets.issue({}, aes, () => gone++)
  t.mock.timers.tick(30_000)
  assert.equal(gone, 1)
  assert.equal(tickets.take(Buffer.from(name).toString('hex')), undefined)
})

/** Resolves when a socket has closed, with an error or without. */
async function closed(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.resume().on('error', () => {})
  socket.once('close', () => resolve())
  await promise
}

test('without a ticket nobody gets in, whatever else TLS knows', options, async t => {
  const { end, ends, takes } = await door(t)
  for (const more of [{}, { maxVersion: 'TLSv1.2' as const }, { ciphers: 'ALL:@SECLEVEL=0' }]) {
    const socket = connectTls({ host: end.ip, port: end.port, rejectUnauthorized: false, ...more })
    await closed(socket)
  }
  assert.deepEqual([ends.size, takes.length], [0, 0])
})

test('a certificate, of whomever, is no ticket', options, async t => {
  const { createServer: createTls } = await import('node:tls')
  const server = createTls({ key: testKey, cert: testCertificate }, socket => socket.on('error', () => {}))
  await once(server.listen(0, ip), 'listening')
  t.after(() => server.close())
  const ticket = { name: noise('name', 16), key: noise('key', 32), cipher: aes }
  const end = { ip, port: (server.address() as AddressInfo).port }
  await assert.rejects(dialChunkLane(end, ticket, { signal: never }))
})

test('one that says nothing, or half a handshake, is closed', options, async t => {
  const { end, sockets } = await door(t)
  const silent = connect(end.port, end.ip)
  const half = connect(end.port, end.ip, () => half.write(fromHex('160301020001')))
  await Promise.all([silent, half].map(closed))
  assert.ok(sockets.every(({ destroyed }) => destroyed))
})

test('so many handshakes are under way, and further ones are refused until one is over', options, async t => {
  const { end, ticket, dial, sockets, ends } = await door(t, { handshakes: 2 })
  const silent = [connect(end.port, end.ip), connect(end.port, end.ip)]
  t.after(() => silent.map(each => each.destroy()))
  await until(() => sockets.length === 2, 'both at the door')
  await assert.rejects(dial(ticket('late')))
  assert.equal(ends.size, 0)
  silent[0]?.destroy()
  await until(() => sockets[0]?.destroyed, 'one to be gone')
  const lane = new End(await dial(ticket('next')))
  await until(() => ends.has('next'), 'the lane')
  lane.lane.close()
})

const wrong: [string, Uint8Array][] = [
  ['another frame', encodeFrame({ type: 'request', chunks: [1, 2, 3, 4, 5, 6] })],
  ['an empty frame', new Uint8Array(4)],
  ['a chunk of 4 GiB', Uint8Array.of(255, 255, 255, 255)],
  ['a chunk of a byte more than there may be', encodeChunkHeader(1, 'raw', 262_144 + 1025)],
  ['a chunk without bytes', encodeChunkHeader(1, 'raw', 0)],
  ['an unknown encoding', Uint8Array.of(0, 0, 0, 9, 6, 0, 0, 0, 1, 9)],
  [
    'bytes after a chunk',
    Buffer.concat([
      encodeFrame({ type: 'chunk', chunk: 1, encoding: 'raw', bytes: Uint8Array.of(1) }),
      Buffer.from('GET / HTTP'),
    ]),
  ],
]
for (const [what, bytes] of wrong) {
  test(`ends with what is wrong: ${what}`, options, async t => {
    const { near, far } = await (await door(t)).opened('a')
    await near.lane.write([bytes], never)
    await until(() => far.ended, 'the end')
    assert.equal((far.ended as Error).name, 'FormatError')
    await until(() => near.ended, 'the end on the other side')
  })
}

const hasty = { idleMs: 500, bytesPerMs: 1_000 }

test('a reader that takes nothing makes the sender hold little, then give up', options, async t => {
  const { promise, resolve } = Promise.withResolvers<void>()
  t.after(() => resolve())
  const { near, far } = await (await door(t, { patience: hasty, hold: promise })).opened('a')
  const chunk = noise('chunk', 65_536)
  let sent = 0
  const flood = async () => {
    for (; ; sent++) await near.send(sent, chunk)
  }
  await assert.rejects(flood(), { code: 'timed-out' })
  // Of both sockets' buffers, the kernel takes some megabytes.
  const [most, held] = [400, far.frames.length]
  assert.ok(sent < most && held <= 18, `expected few chunks on their way, got ${sent}, and ${held} held`)
})

test('a sender that stops within a chunk is given up, and one between two chunks is not', options, async t => {
  const { near, far } = await (await door(t, { patience: hasty })).opened('a')
  await near.send(1, noise('x', 1000))
  await until(() => far.frames.length === 1, 'the chunk')
  assert.equal(await poll(() => far.ended as Error, { limitMs: 1_500, everyMs: 50 }), undefined)
  await near.lane.write([encodeChunkHeader(2, 'raw', 1000), noise('y', 500)], never)
  await until(() => far.ended, 'the end')
  assert.equal((far.ended as { code?: string }).code, 'timed-out')
})

test(
  'memory of chunks is used again only when the socket has taken them, however slow the reader',
  options,
  async t => {
    poisonFreed(chunkMemory)
    const { promise, resolve } = Promise.withResolvers<void>()
    const { near, far } = await (await door(t, { hold: promise })).opened('a')
    const [count, size] = [200, 100_000]
    const content = (chunk: number) => Buffer.alloc(size, `the bytes of chunk ${chunk}, again and again; `)
    let sent = 0
    const sending = (async () => {
      for (let chunk = 0; chunk < count; chunk++) {
        const bytes = chunkMemory.take(size)
        bytes.set(content(chunk))
        const header = encodeChunkHeader(chunk, 'raw', size)
        const onSent = () => {
          chunkMemory.give(bytes)
          sent++
        }
        await near.lane.write([header, bytes], never, onSent)
      }
    })()
    await until(() => far.frames.length >= 5, 'as many chunks as the reader takes')
    assert.ok(sent < count)
    resolve()
    await sending
    await until(() => far.frames.length === count && sent === count, 'all chunks')
    for (const { chunk, bytes } of far.frames) assert.ok(content(chunk).equals(bytes), `chunk ${chunk}`)
  },
)

test('chunks that nobody takes are bounded by the memory that they keep, however small they are', options, async t => {
  const { promise, resolve } = Promise.withResolvers<void>()
  t.after(() => resolve())
  const { near, far } = await (await door(t, { hold: promise })).opened('a')
  const size = 16_400
  const sending = (async () => {
    for (let chunk = 0; chunk < 2_000; chunk++) await near.send(chunk, Buffer.alloc(size))
  })()
  const ended = assert.rejects(sending)
  await until(() => heldBy(far) > lanePendingBytes, 'as many chunks as are held')
  const held = heldBy(far)
  assert.ok(held < 1.2 * lanePendingBytes, `expected little beyond the bound, got ${held} bytes`)
  near.lane.close()
  await ended
})

/** Memory that the chunks on one end keep, in bytes. */
function heldBy({ frames }: End): number {
  return frames.reduce((sum, { bytes }) => sum + chunkMemory.heldBytes(bytes), 0)
}

test('what waits to be sent is given up when the lane ends, or its session', options, async t => {
  const { promise, resolve } = Promise.withResolvers<void>()
  t.after(() => resolve())
  const { near, far } = await (await door(t, { hold: promise })).opened('a')
  const flood = async (signal: AbortSignal) => {
    for (;;) await near.lane.write([encodeChunkHeader(1, 'raw', 65_536), noise('x', 65_536)], signal)
  }
  await assert.rejects(flood(AbortSignal.timeout(300)), { name: 'TimeoutError' })
  const second = assert.rejects(flood(never))
  far.lane.close()
  await second
  await until(() => near.ended, 'the end')
})

test('a door that stops closes what it has opened', options, async t => {
  const { lanes, opened } = await door(t)
  const { near } = await opened('a')
  lanes.stop()
  await until(() => near.ended, 'the end')
})

/** Of a key that is made for this test and is worth nothing. */
const testKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5JS+FI1EJtiVWGS/
Eb/etpByTxWf+WQNdu4HKtFvHDehRANCAARgExHp7OdkYOjuBwxU0T4HV/M8ozfR
rVy9vejUsVqpu1gGjB76RnQBUnIg7j1KMqqZuL3Z6dEF9M/nCIH4Xvta
-----END PRIVATE KEY-----`

const testCertificate = `-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUWkCXU6thjI8VV5p8NETcHnKGDYswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTIwMTE3MTU0OFoYDzIxMjYxMTA3
MTcxNTQ4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARgExHp7OdkYOjuBwxU0T4HV/M8ozfRrVy9vejUsVqpu1gGjB76RnQB
UnIg7j1KMqqZuL3Z6dEF9M/nCIH4Xvtao1MwUTAdBgNVHQ4EFgQUG1X1An5OE/Bd
3fO9ue4WkkvRDyswHwYDVR0jBBgwFoAUG1X1An5OE/Bd3fO9ue4WkkvRDyswDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAx0iErD8ekEDkAGOUK1Ng
U6tKcx5z5ExuHwDnRkTkXnsCIQDWSB9nnLfaY8N7TnczDETQbs+GFlDj2AFnshpR
us+TPg==
-----END CERTIFICATE-----`
