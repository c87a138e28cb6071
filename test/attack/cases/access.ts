/** Ways into a device: each lock alone, grants that are over, and streams that hold places. */

import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { encode } from '@ipld/dag-cbor'
import { readSnapshots } from '../../../controller/ssh/snapshots.ts'
import { receiveMessage, sendMessage } from '../../../node/access/duplex-messages.ts'
import { proofText } from '../../../node/access/key-proof.ts'
import { accepted, openForward, openScreen, openSnapshots, openSsh } from '../../../node/access/open-access.ts'
import { dialLane } from '../../../node/mesh/lane/lane-tls.ts'
import { streamsPerPeer } from '../../../node/mesh/limits.ts'
import { Channel } from '../../../node/mesh/transport/channel.ts'
import { openStream } from '../../../node/mesh/transport/open-stream.ts'
import {
  accessVerdictCodec,
  forwardHelloCodec,
  forwardNamespace,
  proofCodec,
} from '../../../protocol/messages/access.ts'
import type { LaneTicket } from '../../../protocol/messages/lane.ts'
import { screenHelloCodec } from '../../../protocol/messages/screen.ts'
import type { AccessGrant } from '../../../protocol/release/access.ts'
import { makeSshKey, publishAccess, serveAccess, signedBy } from '../../helpers/access.ts'
import { withCode } from '../../helpers/errors.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { listenerOf } from '../../helpers/lanes.ts'
import { connect, type TestPeer } from '../../helpers/mesh.ts'
import { askForStreamLane, streamNumber } from '../../helpers/stream-lanes.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'

interface Scene {
  readonly victim: Victim
  /** The attacker's peer, admitted by the victim. */
  readonly thief: TestPeer
  /** A key that is granted, in a file. */
  readonly key: string
  readonly line: string
  /** A port of the victim's machine that the grant names. */
  readonly to: string
  /** The folder of sockets of the victim's screens. */
  readonly screens: string
}

async function scene(arena: Arena, role: 'controller' | 'device', grant: Partial<AccessGrant> = {}): Promise<Scene> {
  const key = join(arena.mesh.directory, 'operator')
  const line = makeSshKey(key)
  const server = createServer(socket => socket.end('secret'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  arena.ending.after(async () => void server.close())
  const { port } = server.address() as { port: number }
  const to = `tcp:127.0.0.1:${port}`
  publishAccess(
    arena.fleet,
    ['victim'],
    [
      {
        ...{ id: 'ada-1', operator: 'ada', keys: [line], devices: ['victim'], users: ['root'] },
        may: ['shell', 'exec', 'files', `forward:${to}`],
        ...grant,
      },
    ],
  )
  const victim = await arena.victim()
  const { screens } = await serveAccess(arena.mesh, victim)
  const certificate = arena.fleet.certify(testSigner('thief'), { name: 'thief', role })
  const thief = await arena.honest({ word: 'thief', certificate })
  await connect(thief, victim)
  return { victim, thief, key, line, to, screens }
}

/** Asks for a ticket with the granted key's name, and this key's signature. */
async function ticket({ victim, thief, line }: Scene, signWith: string): Promise<Uint8Array> {
  const limit = AbortSignal.timeout(120_000)
  const stream = await openForward(thief, victim.host.peerId)
  stream.on('error', () => {})
  sendMessage(stream, forwardHelloCodec, { v: 1, ask: { user: 'root', key: line } })
  const { challenge = new Uint8Array() } = accepted(await receiveMessage(stream, accessVerdictCodec, limit), 'root')
  const [device, controller] = [victim.identity.peerId, thief.identity.peerId]
  const text = proofText({ fleet: victim.fleet, device, controller, user: 'root', challenge })
  sendMessage(stream, proofCodec, { signature: signedBy(signWith, text, forwardNamespace) })
  return accepted(await receiveMessage(stream, accessVerdictCodec, limit), 'root').ticket ?? new Uint8Array()
}

async function watch({ thief, victim }: Scene, held: Uint8Array, control: boolean): Promise<Duplex> {
  const stream = await openScreen(thief, victim.host.peerId)
  stream.on('error', () => {})
  sendMessage(stream, screenHelloCodec, { v: 1, ticket: held, control })
  accepted(await receiveMessage(stream, accessVerdictCodec, AbortSignal.timeout(120_000)), 'root')
  return stream
}

async function connectTo(thief: TestPeer, victim: Victim, held: Uint8Array, to: string): Promise<void> {
  const stream = await openForward(thief, victim.host.peerId)
  stream.on('error', () => {})
  sendMessage(stream, forwardHelloCodec, { v: 1, ticket: held, to })
  accepted(await receiveMessage(stream, accessVerdictCodec, AbortSignal.timeout(120_000)), 'root')
  stream.destroy()
}

export const accessAttacks: Attack[] = [
  {
    id: 'access-as-device',
    power: 'device key',
    tried: 'asks another device for a shell and a forwarded connection, with the SSH key of an operator',
    expected: 'both are refused: devices let controllers in only',
    async run(arena) {
      const made = await scene(arena, 'device')
      await assert.rejects(openSsh(made.thief, made.victim.host.peerId, 'root'), withCode('not-served'))
      await assert.rejects(ticket(made, made.key), withCode('not-served'))
    },
  },
  {
    id: 'access-without-grant',
    power: 'controller key',
    tried: 'asks for shells as users whom no grant names, and where grants have ended',
    expected: 'all are refused before an sshd is started',
    async run(arena) {
      const made = await scene(arena, 'controller')
      for (const user of ['daemon', 'ada']) {
        await assert.rejects(openSsh(made.thief, made.victim.host.peerId, user), withCode('not-granted'))
      }
    },
  },
  {
    id: 'access-after-end',
    power: 'controller key',
    tried: 'uses a grant whose time is over, with its SSH key',
    expected: 'shell and forwarded connection are refused',
    async run(arena) {
      const made = await scene(arena, 'controller', { until: '2020-01-01T00:00:00Z' })
      await assert.rejects(openSsh(made.thief, made.victim.host.peerId, 'root'), withCode('not-granted'))
      await assert.rejects(ticket(made, made.key), withCode('not-granted'))
    },
  },
  {
    id: 'access-controller-key-alone',
    power: 'controller key',
    tried: "names an operator's SSH key, and signs the challenge with another one",
    expected: 'there is no ticket, and a ticket that is guessed is worth nothing',
    async run(arena) {
      const made = await scene(arena, 'controller')
      const own = join(arena.mesh.directory, 'own')
      makeSshKey(own)
      await assert.rejects(ticket(made, own), withCode('not-granted'))
      await assert.rejects(connectTo(made.thief, made.victim, Buffer.alloc(32), made.to), withCode('not-granted'))
    },
  },
  {
    id: 'forward-beyond-grant',
    power: 'controller key',
    tried: 'uses its ticket for another port, a socket and the address of cloud metadata',
    expected: 'each is refused; the granted port is reached',
    async run(arena) {
      const made = await scene(arena, 'controller')
      const held = await ticket(made, made.key)
      const connectWith = (to: string) => connectTo(made.thief, made.victim, held, to)
      for (const to of ['tcp:127.0.0.1:22', 'unix:/run/dbus/system_bus_socket', 'tcp:169.254.169.254:80']) {
        await assert.rejects(connectWith(to), withCode('not-granted'))
      }
      await connectWith(made.to)
    },
  },
  {
    id: 'forward-stolen-ticket',
    power: 'controller key',
    tried: "uses the ticket of another operator's controller",
    expected: 'it is worth nothing to another peer',
    async run(arena) {
      const made = await scene(arena, 'controller')
      const held = await ticket(made, made.key)
      const certificate = arena.fleet.certify(testSigner('other'), { name: 'other', role: 'controller' })
      const other = await arena.honest({ word: 'other', certificate })
      await connect(other, made.victim)
      await assert.rejects(connectTo(other, made.victim, held, made.to), withCode('not-granted'))
    },
  },
  {
    id: 'screen-input-view-only',
    power: 'controller key',
    tried: 'may look at a screen only; asks to control it, then types, points and pastes into the view',
    expected: 'control is refused; the screen hears what a viewer asks, and none of the rest',
    async run(arena) {
      const made = await scene(arena, 'controller', { may: ['screen'] })
      const heard: Buffer[] = []
      const server = createServer(socket => socket.on('data', bytes => heard.push(bytes)))
      await mkdir(made.screens, { recursive: true })
      await new Promise<void>(resolve => server.listen(join(made.screens, 'kiosk.sock'), resolve))
      arena.ending.after(async () => void server.close())
      const held = await ticket(made, made.key)
      await assert.rejects(watch(made, held, true), withCode('not-granted'))
      const stream = await watch(made, held, false)
      const input = ['0401000000000061', '050100210016', '0600000000000003616263', 'ff00000100000061000000ff']
      const update = Buffer.from('03000000000000010001', 'hex')
      const hello = Buffer.from('RFB 003.008\n\x01\x01')
      stream.write(Buffer.concat([hello, ...input.map(each => Buffer.from(each, 'hex')), update]))
      await until(() => Buffer.concat(heard).length >= hello.length + update.length, 'the screen to be asked')
      assert.deepEqual(Buffer.concat(heard), Buffer.concat([hello, update]))
      stream.destroy()
    },
  },
  {
    id: 'snapshots-without-screen',
    power: 'controller key',
    tried:
      'may log in and forward, but see no screen; asks for the snapshots of screens with its ticket, and with one of its own making',
    expected: 'both are refused, and nothing of a picture is given',
    async run(arena) {
      const made = await scene(arena, 'controller')
      const held = await ticket(made, made.key)
      for (const each of [held, held.map(byte => byte ^ 1)]) {
        const stream = await openSnapshots(made.thief, made.victim.host.peerId)
        stream.on('error', () => {})
        const wish = { ticket: each, user: 'root', most: 24, pictures: true }
        await assert.rejects(readSnapshots(stream, wish, AbortSignal.timeout(120_000)), withCode('not-granted'))
      }
      await arena.goesOn(made.victim)
    },
  },
  {
    id: 'access-lane',
    power: 'controller key',
    tried:
      "asks for lanes of streams that it has not, of another controller's connection, of one that is not let in yet; uses a ticket twice, and with a wrong key",
    expected: 'none of it opens a lane, and the victim goes on',
    async run(arena) {
      const made = await scene(arena, 'controller')
      const { victim, thief } = made
      const stream = await openForward(thief, victim.host.peerId)
      stream.on('error', () => {})
      const number = streamNumber(thief, victim, victim.names.forward)
      assert.deepEqual(await askForStreamLane(thief, victim, number), { error: 'no-session' }, 'before the verdict')
      const held = await ticket(made, made.key)
      sendMessage(stream, forwardHelloCodec, { v: 1, ticket: held, to: made.to })
      accepted(await receiveMessage(stream, accessVerdictCodec, AbortSignal.timeout(120_000)), 'root')
      const certificate = arena.fleet.certify(testSigner('other'), { name: 'other', role: 'controller' })
      const other = await arena.honest({ word: 'other', certificate })
      await connect(other, victim)
      assert.deepEqual(await askForStreamLane(other, victim, number), { error: 'no-session' }, 'of another one')
      assert.deepEqual(await askForStreamLane(thief, victim, number + 2000), { error: 'no-session' }, 'of none')
      const given = await askForStreamLane(thief, victim, number)
      assert.ok('key' in given)
      const dial = (given: LaneTicket) =>
        dialLane(listenerOf(victim), given, {
          onOpen: socket => socket.destroy(),
          signal: AbortSignal.timeout(120_000),
        })
      await assert.rejects(dial({ ...given, key: new Uint8Array(32) }))
      await assert.rejects(dial(given), 'it was used up')
      stream.destroy()
      await arena.goesOn(victim)
    },
  },
  {
    id: 'access-half-open',
    power: 'controller key',
    tried: 'opens 1,000 streams for shells and sends nothing, a hello of 1 MiB, and a user that is an option',
    expected: 'a few are open at a time, the others are reset; the device answers the next one',
    async run(arena) {
      const { victim, thief } = await scene(arena, 'controller')
      const open = () => openStream(thief.host, victim.host.peerId, victim.names.ssh)
      const head = Buffer.alloc(4)
      const option = Buffer.from(encode({ v: 1, user: '-oProxyCommand=reboot' }))
      for (const [length, bytes] of [
        [1 << 20, Buffer.alloc(1 << 16)],
        [option.length, option],
      ] as const) {
        head.writeUInt32BE(length)
        const channel = new Channel(await open())
        await channel.sendRest(Buffer.concat([head, bytes]))
        await assert.rejects(channel.rest())
      }
      const opened = await Promise.allSettled(Array.from({ length: 1000 }, open))
      const held = opened.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
      const isOpen = () => held.filter(({ status }) => status === 'open').length
      await until(() => isOpen() <= streamsPerPeer, 'the victim to reset what is too much')
      for (const stream of held) stream.abort(new Error('done'))
      const next = async () =>
        await openSsh(thief, victim.host.peerId, 'daemon').catch((error: { code?: string }) => error.code)
      await until(async () => (await next()) === 'not-granted', 'the victim to answer the next one')
    },
  },
]
