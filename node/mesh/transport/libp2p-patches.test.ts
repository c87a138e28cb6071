/** Tests of the patches of js-libp2p between a stream and its socket: the same bytes, in fewer messages. */

import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { setImmediate as tick } from 'node:timers/promises'
import { defaultCrypto } from '@chainsafe/libp2p-noise/crypto'
import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface'
import { LengthPrefixedDecoder, multiaddrConnectionPair } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { Uint8ArrayList } from 'uint8arraylist'
import { avoidDecoderErrors, corkWrites, cryptoWithCachedKeys, yamuxWithFewerWindowUpdates } from './libp2p-patches.ts'

describe('noise with keys that are parsed once', () => {
  const key = new Uint8Array(32).fill(7)
  const nonce = new Uint8Array(12).fill(1)
  const ad = new Uint8Array(0)

  for (const length of [0, 1, 1199, 1200, 65_519]) {
    it(`seals and opens ${length} bytes as noise itself does`, () => {
      const plaintext = new Uint8Array(length).map((_, at) => at)
      const sealed = cryptoWithCachedKeys.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key).subarray()
      assert.deepEqual(sealed, defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key).subarray())
      const opened = cryptoWithCachedKeys.chaCha20Poly1305Decrypt(Buffer.from(sealed), nonce, ad, key).subarray()
      assert.deepEqual(Buffer.from(opened), Buffer.from(plaintext))
    })
  }

  it('opens nothing whose tag, or key, is another', () => {
    const sealed = Buffer.from(
      cryptoWithCachedKeys.chaCha20Poly1305Encrypt(new Uint8Array(5000), nonce, ad, key).subarray(),
    )
    const other = new Uint8Array(32).fill(8)
    assert.throws(() => cryptoWithCachedKeys.chaCha20Poly1305Decrypt(sealed, nonce, ad, other).subarray())
    sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1
    assert.throws(() => cryptoWithCachedKeys.chaCha20Poly1305Decrypt(sealed, nonce, ad, key).subarray())
  })
})

describe('noise messages that come in pieces', () => {
  it('are read without an error for each that is not whole yet', () => {
    let errors = 0
    const lengthDecoder = (data: Uint8Array | Uint8ArrayList) => {
      if (data.byteLength < 2) {
        errors++
        throw new RangeError('too few')
      }
      const [high = 0, low = 0] = data.slice(0, 2)
      return high * 256 + low
    }
    const decoder = new LengthPrefixedDecoder({ lengthDecoder, encodingLength: () => 2 })
    avoidDecoderErrors({ connection: { decoder } as unknown as MessageStream })
    const wire = Buffer.from([0, 1, 7, 0, 3, 1, 2, 3, 0, 1, 9])
    const came = [...wire].flatMap(byte => [...decoder.decode(Uint8Array.of(byte))].map(each => [...each.subarray()]))
    assert.deepEqual(came, [[7], [1, 2, 3], [9]])
    assert.equal(errors, 0)
  })
})

interface Inside {
  sendData(data: Uint8ArrayList): unknown
  sendReset(error: Error): void
}

describe('a socket that is written to at once', () => {
  /** A socket that takes everything, or nothing until it is told. */
  function socketOf(takes: boolean) {
    const writes: Buffer[] = []
    const held: (() => void)[] = []
    const socket = new Duplex({
      writableHighWaterMark: 65_536,
      read() {},
      writev(chunks, done) {
        writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk)))
        if (takes) done()
        else held.push(() => done())
      },
    })
    const resets: Error[] = []
    const inside = { socket, sendReset: (error: Error) => resets.push(error) } as unknown as MessageStream
    return { socket, writes, held, resets, inside: corkWrites(inside) as unknown as Inside }
  }

  it('sends all pieces of a message in one write, and wants more when they were taken', () => {
    const { inside, writes } = socketOf(true)
    const pieces = [Buffer.alloc(2, 1), Buffer.alloc(100_000, 2), Buffer.alloc(16, 3)]
    assert.deepEqual(inside.sendData(new Uint8ArrayList(...pieces)), { sentBytes: 100_018, canSendMore: true })
    assert.deepEqual(writes, [Buffer.concat(pieces)])
  })

  it('sends small messages of one turn in one write, before anything larger', async () => {
    const { inside, writes } = socketOf(true)
    for (const byte of [1, 2, 3]) {
      assert.deepEqual(inside.sendData(new Uint8ArrayList(Buffer.alloc(30, byte))), {
        sentBytes: 30,
        canSendMore: true,
      })
      await Promise.resolve()
    }
    assert.deepEqual(writes, [])
    await new Promise(setImmediate)
    const small = Buffer.concat([1, 2, 3].map(byte => Buffer.alloc(30, byte)))
    assert.deepEqual(writes, [small])
    inside.sendData(new Uint8ArrayList(Buffer.alloc(30, 4)))
    inside.sendData(new Uint8ArrayList(Buffer.alloc(2000, 5)))
    assert.deepEqual(writes, [small, Buffer.concat([Buffer.alloc(30, 4), Buffer.alloc(2000, 5)])])
    inside.sendData(new Uint8ArrayList(Buffer.alloc(30, 6)))
    await new Promise(setImmediate)
    assert.deepEqual(writes.slice(2), [Buffer.alloc(30, 6)])
  })

  it('holds back no more than 16 KiB, and what waits when the connection is reset', () => {
    const { inside, writes, resets } = socketOf(true)
    for (let each = 0; each < 20; each++) inside.sendData(new Uint8ArrayList(Buffer.alloc(1000)))
    assert.deepEqual(
      writes.map(({ length }) => length),
      [17_000],
    )
    inside.sendReset(new Error('the end'))
    assert.deepEqual(
      writes.map(({ length }) => length),
      [17_000, 3_000],
    )
    assert.equal(resets.length, 1)
  })

  it('wants no more while the kernel takes nothing', async () => {
    const { inside, socket, held } = socketOf(false)
    assert.deepEqual(inside.sendData(new Uint8ArrayList(Buffer.alloc(100_000))), {
      sentBytes: 100_000,
      canSendMore: false,
    })
    const drained = new Promise(resolve => socket.once('drain', resolve))
    for (const done of held) done()
    await drained
  })
})

describe('yamux with thrifty windows', () => {
  it('moves as much as with an update for every frame, with a fraction of the updates', async () => {
    const frames = 64
    const plain = await moved(yamux()(), frames)
    const thrifty = await moved(yamuxWithFewerWindowUpdates({})(), frames)
    assert.equal(thrifty.received, plain.received)
    assert.ok(plain.sentBack >= frames, `${plain.sentBack} messages came back`)
    assert.ok(thrifty.sentBack < plain.sentBack / 4, `${thrifty.sentBack} messages came back`)
  })
})

describe('a connection that ends while a stream is opened', () => {
  it('fails the stream, and not the process', async () => {
    const factory = yamuxWithFewerWindowUpdates({})()
    const [left] = multiaddrConnectionPair()
    const client = factory.createStreamMuxer(left)
    const uncaught: unknown[] = []
    const catching = (error: unknown) => void uncaught.push(error)
    process.on('uncaughtException', catching)
    // The socket has ended, and the muxer has not heard yet.
    Object.assign(left, { writeStatus: 'closed' })
    const stream = await client.createStream()
    await tick()
    process.removeListener('uncaughtException', catching)
    assert.deepEqual(uncaught, [])
    assert.equal(stream.status, 'aborted')
    // It would look for silence for half a minute.
    Object.assign(left, { writeStatus: 'writable' })
    client.abort(new Error('done'))
  })
})

/** Sends frames of 8 KiB one by one, two windows in all, and counts what came and how many messages went the other way. */
async function moved(factory: StreamMuxerFactory, frames: number) {
  const [left, right] = multiaddrConnectionPair()
  const client = factory.createStreamMuxer(left)
  const server = factory.createStreamMuxer(right)
  let received = 0
  let sentBack = 0
  const all = Promise.withResolvers<void>()
  left.addEventListener('message', () => {
    sentBack++
  })
  server.addEventListener('stream', ({ detail: stream }) => {
    stream.addEventListener('message', ({ data }) => {
      received += data.byteLength
      if (received === frames << 13) all.resolve()
    })
  })
  const stream = await client.createStream()
  for (let frame = 0; frame < frames; frame++) {
    stream.send(new Uint8Array(1 << 13))
    await tick()
  }
  await all.promise
  client.abort(new Error('done'))
  server.abort(new Error('done'))
  return { received, sentBack }
}
