/** Tests of the port at the router: whom it is told, whose word counts, and that it is given back. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { it, type TestContext } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { ReachAnswer, TcpEnd } from '../../../protocol/messages/relay.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../../test/helpers/fleet.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { LoopbackRouter } from '../../../test/helpers/loopback-router.ts'
import { until } from '../../../test/helpers/until.ts'
import type { Router } from '../router/router.ts'
import { MappedPort, type MappedPortComponents, type PortState } from './mapped-port.ts'

const outside = '203.0.113.9'
const port = 5000

/** NAT-PMP that gives port 5000 at 203.0.113.9, while `isOn`; the seconds that it was asked for. */
function natPmp(router: { isOn: boolean; asked: number[] }) {
  return (question: Buffer) => {
    if (question[0] === 2 || !router.isOn) return [Buffer.from('0082000100000000', 'hex')]
    if (question[1] === 0) return [Buffer.from('0080000000000001cb007109', 'hex')]
    router.asked.push(question.readUInt32BE(8))
    return [Buffer.concat([Buffer.from('0082000000000001116c1388', 'hex'), question.subarray(8)])]
  }
}

interface Scene {
  readonly router: { isOn: boolean; asked: number[] }
  readonly mapped: MappedPort
  /** What others are told of. */
  readonly told: () => TcpEnd | undefined
  readonly state: () => PortState
  readonly again: () => void
  /** The network is another one from now on: with this router, or none. */
  readonly move: (router: Router | undefined) => void
}

/** A peer behind a router, with one neighbour, which is a hub or isn't, and answers so. */
async function scene(t: TestContext, init: { isHub: boolean; says: () => ReachAnswer }): Promise<Scene> {
  const router = { isOn: true, asked: [] as number[] }
  const loopback = await LoopbackRouter.start({ pcp: natPmp(router) })
  let route: Router | undefined = loopback.router
  const remotePeer = peerIdFromString(peerIdOf(testSigner('neighbour').publicKey))
  const remoteAddr = multiaddr('/ip4/198.51.100.2/tcp/4460')
  const connection = { status: 'open', timeline: { open: 1 }, remotePeer, remoteAddr } as Connection
  const admission = Object.assign(new EventEmitter(), { members: [{ peer: remotePeer }] })
  let told: TcpEnd | undefined
  const components = {
    host: { getConnections: () => [connection], getMultiaddrs: () => [multiaddr('/ip4/127.0.0.1/tcp/4460')] },
    admission,
    keeper: { isConnected: () => init.isHub },
    reach: { ask: async () => init.says() },
    mapped: { set: (given: { end: TcpEnd } | undefined) => (told = given?.end) },
    log: silentLogger,
    router: async () => route,
  } as unknown as MappedPortComponents
  const mapped = new MappedPort(components, { isOn: true, seed: new Uint8Array(32) })
  t.after(async () => {
    await mapped.stop()
    await loopback[Symbol.asyncDispose]()
  })
  mapped.start()
  const again = () => {
    mapped.retry()
    admission.emit('admitted')
  }
  again()
  const move = (to: Router | undefined) => {
    route = to
    again()
  }
  return { router, mapped, told: () => told, state: () => mapped.state, again, move }
}

const yes = (ip: string): ReachAnswer => ({ seen: { ip, port: 1 }, dialled: 'yes' })
const hasTried = (state: PortState) => state.kind === 'mapped' && state.tried

it('others are told where a hub has reached this peer, until it no longer does', async t => {
  let dialled: ReachAnswer['dialled'] = 'yes'
  const { told, state, again } = await scene(t, { isHub: true, says: () => ({ ...yes('192.0.2.7'), dialled }) })
  await until(told, 'the address to be told')
  assert.deepEqual(told(), { ip: '192.0.2.7', port })
  dialled = 'no'
  again()
  await until(() => told() === undefined, 'the address to be withdrawn')
  assert.equal(state().kind, 'mapped')
})

it('nobody is told what nobody has reached', async t => {
  const { told, state } = await scene(t, { isHub: true, says: () => ({ ...yes(outside), dialled: 'no' }) })
  await until(() => hasTried(state()), 'a hub to have tried')
  assert.equal(told(), undefined)
})

it('a member that is no hub is believed if the router says the same', async t => {
  const { told } = await scene(t, { isHub: false, says: () => yes(outside) })
  await until(told, 'the address to be told')
  assert.deepEqual(told(), { ip: outside, port })
})

it("a member that is no hub sends nobody to a stranger's door", async t => {
  const { told, state } = await scene(t, { isHub: false, says: () => yes('192.0.2.66') })
  await until(() => hasTried(state()), 'the member to have tried')
  assert.equal(told(), undefined)
})

it('who reaches this peer in its own network says nothing of the router', async t => {
  let asked = 0
  const says = () => {
    asked++
    return yes('127.0.0.1')
  }
  const { told, state } = await scene(t, { isHub: true, says })
  await until(() => asked > 0 && state().kind === 'mapped', 'a hub to be asked')
  assert.deepEqual([told(), hasTried(state())], [undefined, false])
})

it('a hub that reaches this peer by IPv6 says nothing of the router', async t => {
  let asked = 0
  const says = () => {
    asked++
    return yes('2001:db8::5')
  }
  const { told, state, mapped } = await scene(t, { isHub: true, says })
  await until(() => asked > 0 && state().kind === 'mapped', 'a hub to be asked')
  await mapped.stop()
  assert.deepEqual([told(), hasTried(state())], [undefined, false])
})

it('the port is given back at the end, and nobody is told of it any longer', async t => {
  const { router, mapped, told } = await scene(t, { isHub: true, says: () => yes(outside) })
  await until(told, 'the address to be told')
  await mapped.stop()
  assert.deepEqual([router.asked, told()], [[3600, 0], undefined])
})

it('a router that knows none of it is asked again', async t => {
  const { router, state, again } = await scene(t, { isHub: true, says: () => yes(outside) })
  router.isOn = false
  await until(() => state().kind !== 'asking', 'the router to be asked')
  router.isOn = true
  const isMapped = () => {
    again()
    return state().kind === 'mapped'
  }
  await until(isMapped, 'the router to give a port')
})

it('the port is given back to the router of before where the network is another one now, or none', async t => {
  const { router, mapped, told, state, move } = await scene(t, { isHub: true, says: () => yes(outside) })
  await until(told, 'the address to be told')
  const next = { isOn: true, asked: [] as number[] }
  await using other = await LoopbackRouter.start({ pcp: natPmp(next) }, '127.0.0.4')
  move(other.router)
  await until(() => router.asked.length === 2, 'the first router to get its port back')
  assert.deepEqual([router.asked, next.asked], [[3600, 0], [3600]])
  await until(told, 'the address to be told')
  move(undefined)
  await until(() => next.asked.length === 2, 'the second one to get its port back')
  assert.deepEqual([next.asked, state().kind, told()], [[3600, 0], 'no-router', undefined])
  await mapped.stop()
  assert.equal(next.asked.length, 2)
})

it('the port is given back, too, where the next router gives none', async t => {
  const { router, told, state, move } = await scene(t, { isHub: true, says: () => yes(outside) })
  await until(told, 'the address to be told')
  await using other = await LoopbackRouter.start({ pcp: natPmp({ isOn: false, asked: [] }) }, '127.0.0.4')
  move(other.router)
  await until(() => router.asked.length === 2, 'the first router to get its port back')
  assert.deepEqual([router.asked, state().kind, told()], [[3600, 0], 'absent', undefined])
})
