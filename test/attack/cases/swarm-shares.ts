/** Members that occupy the swarm of a peer: closures that they hold open, upload slots that they don't use. */

import assert from 'node:assert/strict'
import { connectionTo } from '../../../node/mesh/transport/open-stream.ts'
import { Bitfield } from '../../../node/swarm/chunks/bitfield.ts'
import type { KnownClosure } from '../../../node/swarm/chunks/closures.ts'
import { servedClosures } from '../../../node/swarm/limits.ts'
import { FrameStream } from '../../../node/swarm/session/frame-stream.ts'
import { SwarmService } from '../../../node/swarm/session/swarm-service.ts'
import { UploadLimiter } from '../../../node/swarm/session/upload-limiter.ts'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import type { Frame } from '../../../protocol/messages/swarm.ts'
import { ChunkedClosure, memoryPath } from '../../helpers/chunked-closure.ts'
import { connect, type TestPeer } from '../../helpers/mesh.ts'
import { noise, storePath } from '../../helpers/planted-nar.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import type { HostilePeer } from '../hostile-peer.ts'

const uploadSlots = 4
/** More than all windows between two peers hold, so that a peer that reads nothing blocks its slot. */
const closureBytes = 24 << 20

/** A victim that serves any closure of one content from memory. */
async function servingVictim(arena: Arena): Promise<Victim> {
  const victim = await arena.victim()
  const chunked = await ChunkedClosure.of([memoryPath(storePath('a'), noise('a', closureBytes))])
  const { closure, list } = chunked
  const known = async (hash: Uint8Array): Promise<KnownClosure> => ({ hash, closure, list })
  const chunks = {
    has: () => true,
    here: () => Bitfield.full(list.count),
    put: async () => {},
    read: (number: number) => chunked.chunk(number),
  }
  await victim.swarms.stop()
  const { host, names, admission, own } = victim
  const swarms = new SwarmService({
    host,
    names,
    admission,
    closures: { isReleased: () => true, held: known } as never,
    uploads: new UploadLimiter({ peers: uploadSlots }),
    openChunks: async () => ({ chunks: chunks as never, budget: {} as never, close: async () => {} }),
    certificate: own.certificate,
    log: victim.log.logger,
  })
  await swarms.start()
  arena.ending.after(() => swarms.stop())
  return victim
}

const closureOf = (word: string) => sha256(Buffer.from(word))

/** Says that it wants a closure, and then nothing any more. */
async function occupy(hostile: HostilePeer, victim: Victim, word: string): Promise<FrameStream | undefined> {
  const connection = hostile.host.getConnections(victim.host.peerId)[0]
  assert.ok(connection)
  return await opened(await hostile.swarm(connection, closureOf(word)))
}

/** The other half of the handshake; undefined if the victim refuses. */
async function opened(frames: FrameStream): Promise<FrameStream | undefined> {
  const heard = await frames.read(AbortSignal.timeout(60_000))
  if (heard?.type !== 'ready') {
    frames.abort(new Error('refused'))
    return undefined
  }
  await frames.write({ type: 'ready', wants: true, bitfield: new Uint8Array() })
  return frames
}

/** An honest member asks until it is served, as devices do. */
async function isServed(member: TestPeer, victim: Victim, word: string): Promise<void> {
  const open = async () => {
    const stream = await connectionTo(member.host, victim.host.peerId)?.newStream(member.names.swarm)
    if (stream === undefined) return undefined
    const frames = new FrameStream(stream)
    await frames.write({ type: 'open', closure: closureOf(word) })
    return await opened(frames)
  }
  let frames: FrameStream | undefined
  await until(async () => {
    frames = await open().catch(() => undefined)
    return frames !== undefined
  }, 'the closure to be served')
  const answer = async () => {
    await frames?.write({ type: 'request', chunks: [0] })
    let frame: Frame | undefined
    do frame = await frames?.read(AbortSignal.timeout(60_000))
    while (frame !== undefined && frame.type !== 'chunk' && frame.type !== 'busy')
    return frame?.type
  }
  await until(async () => (await answer()) === 'chunk', 'a chunk')
}

export const swarmShareAttacks: Attack[] = [
  {
    id: 'swarm-idle-sessions',
    power: 'device key',
    tried: `opens sessions for ${servedClosures} closures, says that it wants them and does nothing`,
    expected: 'the closure that another member needs takes the place of an idle one',
    async run(arena) {
      const victim = await servingVictim(arena)
      const hostile = await arena.hostile()
      await hostile.join(victim)
      const held = await Promise.all(
        Array.from({ length: servedClosures }, (_, at) => occupy(hostile, victim, `closure ${at}`)),
      )
      assert.ok(held.every(Boolean))
      const member = await arena.honest()
      await connect(member, victim)
      await isServed(member, victim, 'what a device needs')
    },
  },
  {
    id: 'swarm-token-sessions',
    power: 'join token',
    tried: `opens sessions for ${servedClosures} closures under ${servedClosures} identities, two in each, and keeps them busy`,
    expected: 'the closure that another member needs takes the place of one that only they use',
    async run(arena) {
      const victim = await servingVictim(arena)
      const crowd = await arena.crowd(servedClosures)
      for (const each of crowd) await each.join(victim)
      for (const [at, each] of crowd.entries()) {
        for (const number of [at, (at + 1) % servedClosures]) {
          const frames = await occupy(each, victim, `closure ${number}`)
          assert.ok(frames)
          const asking = setInterval(() => void frames.write({ type: 'request', chunks: [0] }).catch(() => {}), 500)
          arena.ending.after(async () => clearInterval(asking))
          void drain(frames)
        }
      }
      const member = await arena.honest()
      await connect(member, victim)
      await isServed(member, victim, 'what a device needs')
    },
  },
  {
    id: 'swarm-upload-slots',
    power: 'join token',
    tried: 'takes all upload slots under as many identities, and reads nothing of what it asked for',
    expected: 'another member has a slot after one turn',
    async run(arena) {
      const victim = await servingVictim(arena)
      for (const each of await arena.crowd(2 * uploadSlots)) {
        await each.join(victim)
        const connection = each.host.getConnections(victim.host.peerId)[0]
        assert.ok(connection)
        const frames = await occupy(each, victim, 'closure')
        const all = Array.from({ length: 300 }, (_, number) => number)
        await frames?.write({ type: 'request', chunks: all })
        for (const stream of connection.streams) if (stream.protocol === victim.names.swarm) stream.pause()
      }
      const member = await arena.honest()
      await connect(member, victim)
      await isServed(member, victim, 'closure')
    },
  },
]

async function drain(frames: FrameStream): Promise<void> {
  try {
    while ((await frames.read()) !== undefined);
  } catch {
    // The victim has ended the session.
  }
}
