/** Bulk lanes between peers: who opens one, what goes on it, and that a closure comes whole where there is none. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { withChannel } from '../../node/mesh/transport/channel.ts'
import { openStream } from '../../node/mesh/transport/open-stream.ts'
import { trafficOf } from '../../node/mesh/transport/traffic.ts'
import { FrameStream } from '../../node/swarm/session/frame-stream.ts'
import type { Session } from '../../node/swarm/session/session.ts'
import { laneAnswerCodec, laneCiphers, laneRequestCodec } from '../../protocol/messages/lane.ts'
import { askForTicket, dialChunkLane, listenerOf, openLane } from '../helpers/lanes.ts'
import { connect, isMember, type TestPeer } from '../helpers/mesh.ts'
import { content, type StorePeer, SwarmWorld } from '../helpers/swarm.ts'
import { until } from '../helpers/until.ts'
import { missingNix } from '../store/real-stores.ts'

const options = { skip: await missingNix(), timeout: 600_000 }
const bytes = 6_000_000

interface Lanes {
  controller?: boolean
  device?: boolean
}

/** A controller that has released a closure, and a device that knows of it; `dialler` dials the other one. */
async function scene(t: TestContext, lanes: Lanes = {}, dialler: 'controller' | 'device' = 'device') {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller({ settings: { lanes: lanes.controller ?? true } })
  const config = await world.release(controller, content('lanes', bytes))
  const device = await world.peer('device', { settings: { lanes: lanes.device ?? true } })
  for (const { supervisor } of [controller, device]) supervisor.stop()
  await (dialler === 'device' ? connect(device, controller) : connect(controller, device))
  const known = await world.known(device, config)
  return { world, controller, device, config, known }
}

/** Opens the session of a device before it fetches, and waits for its lane. */
async function opened({ device, controller, known }: Awaited<ReturnType<typeof scene>>): Promise<Session> {
  const entry = await device.swarms.open(known)
  device.swarms.connect(entry)
  const session = () => entry.swarm.session(controller.identity.peerId)
  await until(() => session()?.hasLane, 'the lane')
  return session() as Session
}

/** Bytes that a peer received on the mesh's own connections. */
const onMesh = (peer: TestPeer) => peer.host.getConnections().reduce((sum, each) => sum + trafficOf(each).received, 0)

const isWhole = async (device: StorePeer, controller: StorePeer, path: string) => {
  assert.deepEqual(await device.real.dump(path), await controller.real.dump(path))
  await device.real.nixStore('--verify', '--check-contents')
}

for (const dialler of ['device', 'controller'] as const) {
  test(`chunks go on a lane, and the mesh's connection stays free: the ${dialler} has dialled`, options, async t => {
    const made = await scene(t, {}, dialler)
    const { world, device, controller, config } = made
    await opened(made)
    const before = onMesh(device)
    const { received } = await world.fetch(device, config)
    assert.ok(received > bytes, 'expected the whole closure from the other peer')
    assert.ok(onMesh(device) - before < bytes / 20, 'expected chunks on the lane only')
    await isWhole(device, controller, config.topLevel)
  })
}

for (const [who, lanes] of [
  ['the other side', { controller: false }],
  ['this side', { device: false }],
] as [string, Lanes][]) {
  test(`chunks stay on the stream when ${who} has no lanes`, options, async t => {
    const { world, device, controller, config } = await scene(t, lanes)
    const before = onMesh(device)
    await world.fetch(device, config)
    assert.ok(onMesh(device) - before > bytes / 2, 'expected chunks on the mesh')
    await isWhole(device, controller, config.topLevel)
  })
}

test('where the lane can not be opened, chunks stay on the stream', options, async t => {
  const { world, device, controller, config } = await scene(t)
  // The listening side gives tickets, and takes no guests: as behind a firewall that allows one connection.
  await controller.host.unhandle(controller.names.lane)
  let asked = 0
  await controller.host.handle(controller.names.lane, async stream => {
    await withChannel(stream, undefined, async channel => {
      await channel.receive(laneRequestCodec)
      asked++
      const ticket = { name: new Uint8Array(16), key: new Uint8Array(32), cipher: laneCiphers[0] }
      await channel.send(laneAnswerCodec, ticket)
    })
  })
  const before = onMesh(device)
  await world.fetch(device, config)
  assert.equal(asked, 1)
  assert.ok(onMesh(device) - before > bytes / 2, 'expected chunks on the mesh')
  await isWhole(device, controller, config.topLevel)
})

test('a lane that breaks ends its session, and the closure comes whole on the stream', options, async t => {
  const made = await scene(t)
  const { world, device, controller, config } = made
  const session = await opened(made)
  let broken = false
  session.on('chunk', () => {
    if (broken) return
    broken = true
    breakLane(device, controller)
  })
  await world.fetch(device, config)
  assert.ok(broken && session.closed)
  assert.ok(isMember(device, controller), 'nobody is to blame')
  const { swarm } = await device.swarms.open(made.known)
  assert.notEqual(swarm.session(controller.identity.peerId)?.hasLane, true, 'the next session has none')
  await isWhole(device, controller, config.topLevel)
})

/** Cuts all TCP connections to a listener that this process holds, but those of the mesh. */
function breakLane(device: TestPeer, controller: TestPeer): void {
  const { port } = listenerOf(controller)
  const ofMesh = new Set(
    device.host.getConnections().map(each => (each as unknown as { maConn: { socket: object } }).maConn.socket),
  )
  const handles = (process as unknown as { _getActiveHandles(): object[] })._getActiveHandles()
  for (const each of handles as { remotePort?: number; destroy?(): void; encrypted?: boolean }[]) {
    if (each.remotePort === port && each.encrypted === true && !ofMesh.has(each)) each.destroy?.()
  }
}

test('tickets are for sessions: none without one, none for another closure, one lane each', options, async t => {
  const { world, controller, known } = await scene(t)
  const other = await world.hostile('other', async () => {})
  other.supervisor.stop()
  await connect(other, controller)
  const frames = new FrameStream(await openStream(other.host, controller.host.peerId, other.names.swarm))
  await frames.write({ type: 'open', closure: known.hash })
  assert.equal((await frames.read())?.type, 'ready')
  await frames.write({ type: 'ready', wants: true, bitfield: new Uint8Array() })
  const [elsewhere, here] = await Promise.all([
    askForTicket(other, controller, new Uint8Array(32)),
    askForTicket(other, controller, known.hash),
  ])
  assert.deepEqual(elsewhere, { error: 'no-session' })
  assert.ok('key' in here)
  // A newer ticket replaces it.
  const lane = await openLane(other, controller, known.hash)
  const to = listenerOf(controller)
  await assert.rejects(dialChunkLane(to, here, { signal: new AbortController().signal }))
  const came: number[] = []
  lane.use({ onChunk: async ({ chunk }) => void came.push(chunk), onEnded: () => {} })
  await until(async () => 'error' in (await askForTicket(other, controller, known.hash)), 'the lane to be in use')
  assert.deepEqual(await askForTicket(other, controller, known.hash), { error: 'busy' })
  await frames.write({ type: 'request', chunks: [0, 1] })
  await until(() => came.length === 2, 'the chunks on the lane')
  lane.close()
  frames.abort(new Error('done'))
})
