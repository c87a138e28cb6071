/** A libp2p host that speaks only what a test makes it say: strangers, and members that don't keep to the rules. */

import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { type Channel, withChannel } from '../../node/mesh/transport/channel.ts'
import { type Hello, helloCodec, protocolNames, type Verdict, verdictCodec } from '../../protocol/messages/messages.ts'
import { type TestFleet, testSeed } from './fleet.ts'
import type { Mesh } from './mesh.ts'
import { quietLogger } from './streams.ts'

/** A host with a test's key, ended with the test. */
export async function rawHost(mesh: Mesh, word: string): Promise<Libp2p> {
  const host = await createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', testSeed(word)),
    logger: quietLogger,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Its pings would end a connection in the very moment in which a test expects the other side to end it.
    connectionMonitor: { enabled: false },
  })
  mesh.after(async () => host.stop())
  return host
}

/** The hello of a raw member by default: it knows nothing. */
export function helloOf(fleet: Pick<TestFleet, 'fleet'>, certificate: Uint8Array, more: Partial<Hello> = {}): Hello {
  return { v: 1, fleet: fleet.fleet, certificate, agent: 'raw', root: 0, timestamp: 0, ...more }
}

/** Says hello on a connection, and admits the other side; resolves to what that says. */
export async function sayHello(
  connection: Connection,
  fleet: Pick<TestFleet, 'fleet'>,
  hello: Hello,
): Promise<Verdict> {
  const stream = await connection.newStream(protocolNames(fleet.fleet).hello)
  return await withChannel(stream, undefined, channel => greet(channel, hello))
}

/** Answers hellos in the same way. */
export async function answerHello(host: Libp2p, fleet: Pick<TestFleet, 'fleet'>, hello: Hello): Promise<void> {
  await host.handle(protocolNames(fleet.fleet).hello, stream =>
    withChannel(stream, undefined, channel => greet(channel, hello)).then(
      () => {},
      () => {},
    ),
  )
}

async function greet(channel: Channel, hello: Hello): Promise<Verdict> {
  await channel.send(helloCodec, hello)
  await channel.receive(helloCodec)
  await channel.send(verdictCodec, { admitted: true })
  return await channel.receive(verdictCodec)
}

/** Reads a stream to its end: how many bytes came, and how it ended. */
export function fate(stream: Stream): Promise<{ bytes: number; status: string }> {
  let bytes = 0
  stream.addEventListener('message', ({ data }) => {
    bytes += data.byteLength
  })
  const { promise, resolve } = Promise.withResolvers<{ bytes: number; status: string }>()
  const ended = () => resolve({ bytes, status: stream.status })
  stream.addEventListener('close', ended)
  if (stream.status !== 'open') ended()
  return promise
}
