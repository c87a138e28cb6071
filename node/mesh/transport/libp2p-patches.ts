/**
 * Monkey patches for js-libp2p 3.3 that reduce system calls, packets and copies: corked socket writes, fewer yamux
 * window updates, cached cipher keys, and a Noise decoder that doesn't throw.
 */

import type { Socket } from 'node:net'
import { type NoiseInit, noise } from '@chainsafe/libp2p-noise'
import { defaultCrypto, nodeCrypto } from '@chainsafe/libp2p-noise/crypto'
import type { MessageStream, SecureConnectionOptions, StreamMuxerFactory } from '@libp2p/interface'
import { type YamuxMuxerInit, yamux } from '@libp2p/yamux'
import type { Uint8ArrayList } from 'uint8arraylist'
import { keyObjectOf } from './key-objects.ts'

type Crypto = NonNullable<NoiseInit['crypto']>

/** Below this size the WebAssembly cipher that noise ships is faster than Node's, so noise uses it too. */
const nativeFrom = 1200

/**
 * For a key in bytes, Node throws and catches an internal error before it accepts it; a key object avoids that. Noise
 * passes keys on without inspecting them.
 */
function parsed(bytes: Uint8Array): Uint8Array {
  return keyObjectOf(bytes) as unknown as Uint8Array
}

/** Noise's own ciphers, with key objects that Node parses once. */
export const cryptoWithCachedKeys: Crypto = {
  ...defaultCrypto,
  chaCha20Poly1305Encrypt: (plaintext, nonce, ad, key) =>
    plaintext.byteLength < nativeFrom
      ? defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key)
      : nodeCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, parsed(key)),
  chaCha20Poly1305Decrypt: (ciphertext, nonce, ad, key, into) =>
    ciphertext.byteLength < nativeFrom
      ? defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, into)
      : nodeCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, parsed(key)),
}

/** Noise over a socket that is corked for each message, with a decoder that waits quietly. */
export function noiseWithCorkedWrites(): ReturnType<typeof noise> {
  return components => {
    const encrypter = noise({ crypto: cryptoWithCachedKeys })(components)
    const { secureInbound, secureOutbound } = encrypter
    encrypter.secureInbound = async (connection: MessageStream, options?: SecureConnectionOptions) =>
      avoidDecoderErrors(await secureInbound.call(encrypter, corkWrites(connection), options))
    encrypter.secureOutbound = async (connection: MessageStream, options?: SecureConnectionOptions) =>
      avoidDecoderErrors(await secureOutbound.call(encrypter, corkWrites(connection), options))
    return encrypter
  }
}

/** Internals of noise's connection. */
interface DecodingConnection {
  readonly decoder?: { lengthDecoder(data: Uint8Array | Uint8ArrayList): number }
}

/** The length prefix of a noise message, in bytes. */
const prefixLength = 2

/**
 * After the last complete message, noise decodes a length that has not arrived yet, and detects that by an exception
 * with its stack trace. Here the decoder reports an incomplete message instead.
 */
export function avoidDecoderErrors<T extends { connection: MessageStream }>(secured: T): T {
  const { decoder } = secured.connection as unknown as DecodingConnection
  if (decoder === undefined) return secured
  const { lengthDecoder } = decoder
  decoder.lengthDecoder = data => (data.byteLength < prefixLength ? 1 : lengthDecoder(data))
  return secured
}

/** Internals of libp2p's TCP connection. */
interface SocketConnection {
  readonly socket?: Socket
  sendData(data: Iterable<Uint8Array> & { byteLength: number }): { sentBytes: number; canSendMore: boolean }
  sendReset(error: Error): void
}

/** A message up to this size waits for others of the same turn of the event loop, until so much waits. */
const smallMessage = 1200
const waitingBytes = 16 << 10

/**
 * Each noise message is a length, pieces of ciphertext and a tag. libp2p's TCP writes them separately: a system call
 * and, with TCP_NODELAY, a packet for each. It also waits for `drain` after every piece above 64 KiB, even if the
 * kernel has accepted it already. Here the socket is corked for each message, and `drain` is awaited only above the
 * high-water mark with bytes left in the buffer.
 *
 * Small messages, such as those that open a stream and choose its protocol, leave together at the end of the turn: a packet
 * costs 66 bytes of headers, and as many for its acknowledgement.
 */
export function corkWrites<T extends MessageStream>(connection: T): T {
  const inside = connection as unknown as SocketConnection
  const { socket } = inside
  if (socket === undefined) return connection
  let waiting: NodeJS.Immediate | undefined
  const flush = () => {
    clearImmediate(waiting)
    waiting = undefined
    socket.uncork()
  }
  inside.sendData = data => {
    const sentBytes = data.byteLength
    if (waiting === undefined) socket.cork()
    for (const piece of data) socket.write(piece)
    if (sentBytes > smallMessage || socket.writableLength > waitingBytes) flush()
    else waiting ??= setImmediate(flush)
    return { sentBytes, canSendMore: !socket.writableNeedDrain || socket.writableLength === 0 }
  }
  const { sendReset } = inside
  inside.sendReset = error => {
    if (waiting !== undefined) flush()
    sendReset.call(inside, error)
  }
  return connection
}

/** Internals of a yamux stream, in bytes: the remaining receive window, and its size after an update. */
interface WindowedStream {
  state: number
  recvWindow: number
  recvWindowCapacity: number
  sendWindowUpdate(): void
  abort(error: Error): void
}

/** The state of an open yamux stream, in which an update carries nothing but the window. */
const established = 3

/**
 * Yamux that survives a connection that ends while a stream is opened, and sends window updates when half of the window is used, as hashicorp's implementation does, instead of for
 * every frame: each update is a message and a packet of its own.
 */
export function yamuxWithFewerWindowUpdates(init: YamuxMuxerInit): () => StreamMuxerFactory {
  return () => {
    const factory = yamux(init)()
    const { createStreamMuxer } = factory
    factory.createStreamMuxer = connection => {
      const muxer = createStreamMuxer.call(factory, connection)
      const inside = muxer as unknown as { _newStream(...args: unknown[]): WindowedStream }
      const make = inside._newStream
      inside._newStream = (...args) => updateAtHalfWindow(make.apply(muxer, args))
      return muxer
    }
    return factory
  }
}

function updateAtHalfWindow(stream: WindowedStream): WindowedStream {
  const update = stream.sendWindowUpdate
  stream.sendWindowUpdate = () => {
    if (stream.state === established && stream.recvWindowCapacity > stream.recvWindow / 2) return
    try {
      update.call(stream)
    } catch (thrown) {
      // The update that opens a stream is sent a moment later, from where nothing catches this, and the connection may have
      // ended meanwhile: whoever waits for the stream is told, and the process goes on.
      stream.abort(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }
  return stream
}
