/**
 * What js-libp2p 3.3 does between a stream and its socket at a needless cost: small writes, window updates for every frame, and
 * keys that Node parses for every message. Here are the same parts, mended from the outside.
 */

import type { Socket } from 'node:net'
import { type NoiseInit, noise } from '@chainsafe/libp2p-noise'
import { defaultCrypto, nodeCrypto } from '@chainsafe/libp2p-noise/crypto'
import type { MessageStream, SecureConnectionOptions, StreamMuxerFactory } from '@libp2p/interface'
import { type YamuxMuxerInit, yamux } from '@libp2p/yamux'
import type { Uint8ArrayList } from 'uint8arraylist'
import { keyObjectOf } from './key-objects.ts'

type Crypto = NonNullable<NoiseInit['crypto']>

/** Below this many bytes the WebAssembly that comes with noise is the faster one; so noise chooses, too. */
const nativeFrom = 1200

/** Given bytes, Node finds out by an error, thrown and caught, that they are no key object. Noise hands on what it is given. */
function parsed(bytes: Uint8Array): Uint8Array {
  return keyObjectOf(bytes) as unknown as Uint8Array
}

/** Noise's own cryptography, with keys that Node parses once. */
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

/** Noise over sockets that are written to once for what is sent at once. */
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

/** The inside of noise's connection. */
interface DecodingConnection {
  readonly decoder?: { lengthDecoder(data: Uint8Array | Uint8ArrayList): number }
}

/** Bytes of the length before each noise message. */
const prefixLength = 2

/**
 * After the last whole message, noise reads a length that hasn't come yet and finds that out by an error, with its stack. Here
 * it is told of a message that hasn't come yet either.
 */
export function avoidDecoderErrors<T extends { connection: MessageStream }>(secured: T): T {
  const { decoder } = secured.connection as unknown as DecodingConnection
  if (decoder === undefined) return secured
  const { lengthDecoder } = decoder
  decoder.lengthDecoder = data => (data.byteLength < prefixLength ? 1 : lengthDecoder(data))
  return secured
}

/** The inside of libp2p's TCP connection. */
interface SocketConnection {
  readonly socket?: Socket
  sendData(data: Iterable<Uint8Array> & { byteLength: number }): { sentBytes: number; canSendMore: boolean }
}

/**
 * Each noise message is a length, pieces of ciphertext and a tag, which libp2p's TCP writes one by one: as many system calls, and
 * packets, since it sets TCP_NODELAY. It also stops at every piece beyond 64 KiB until the socket says `drain`, though the
 * kernel has taken it by then.
 */
export function corkWrites<T extends MessageStream>(connection: T): T {
  const inside = connection as unknown as SocketConnection
  const { socket } = inside
  if (socket === undefined) return connection
  inside.sendData = data => {
    const sentBytes = data.byteLength
    socket.cork()
    for (const piece of data) socket.write(piece)
    socket.uncork()
    return { sentBytes, canSendMore: !socket.writableNeedDrain || socket.writableLength === 0 }
  }
  return connection
}

/** The inside of a yamux stream. All in bytes: what the peer may still send, of how much after an update. */
interface WindowedStream {
  state: number
  recvWindow: number
  recvWindowCapacity: number
  sendWindowUpdate(): void
}

/** A yamux stream's state in which an update says nothing but the window. */
const established = 3

/**
 * Yamux, with updates of a stream's window when half of it is used, as hashicorp's own does, and not for every frame that
 * comes: each is a message and a packet of its own.
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
    update.call(stream)
  }
  return stream
}
