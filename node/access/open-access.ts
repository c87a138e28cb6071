/** Opens streams of access to a connected device: the controller's side of its services. */

import type { Duplex } from 'node:stream'
import type { Connection, PeerId } from '@libp2p/interface'
import { ThymeshError } from '../../protocol/errors.ts'
import {
  type AccessRefusal,
  type AccessVerdict,
  type accessRefusals,
  accessVerdictCodec,
  sshHelloCodec,
} from '../../protocol/messages/access.ts'
import type { ProtocolNames } from '../../protocol/messages/messages.ts'
import type { StreamLanes } from '../mesh/lane/stream-lanes.ts'
import { Channel } from '../mesh/transport/channel.ts'
import { ChannelDuplex } from '../mesh/transport/channel-duplex.ts'
import type { Host } from '../mesh/transport/host.ts'
import { openStreamOn } from '../mesh/transport/open-stream.ts'

export class AccessRefusedError extends ThymeshError<AccessRefusal | 'older-version'> {}

type Peer = {
  host: Pick<Host, 'getConnections'>
  names: Pick<ProtocolNames, 'ssh' | 'forward' | 'screen' | 'snapshots'>
  streamLanes: Pick<StreamLanes, 'duplex'>
}

/** Opens a session of SSH as this user. Throws an AccessRefusedError when the device refuses. */
export async function openSsh(
  { host, names, streamLanes }: Peer,
  peer: PeerId,
  user: string,
  signal?: AbortSignal,
): Promise<Duplex> {
  const { channel, connection } = await openChannel(host, peer, names.ssh, signal)
  try {
    await channel.send(sshHelloCodec, { v: 1, user })
    accepted(await channel.receive(accessVerdictCodec), user)
    return streamLanes.duplex(channel, connection)
  } catch (thrown) {
    channel.abort(thrown)
    throw thrown
  }
}

/** Opens a stream of the protocol for forwarding, whose messages the caller sends. */
export async function openForward(
  { host, names, streamLanes }: Peer,
  peer: PeerId,
  signal?: AbortSignal,
): Promise<Duplex> {
  const { channel, connection } = await openChannel(host, peer, names.forward, signal)
  return streamLanes.duplex(channel, connection)
}

/** Opens a stream of the protocol for screens, whose messages the caller sends. */
export async function openScreen(
  { host, names, streamLanes }: Peer,
  peer: PeerId,
  signal?: AbortSignal,
): Promise<Duplex> {
  const { channel, connection } = await openChannel(host, peer, names.screen, signal, 'shows no screens')
  return streamLanes.duplex(channel, connection)
}

/** Opens a stream of the protocol for snapshots, whose messages the caller sends. */
export async function openSnapshots({ host, names }: Peer, peer: PeerId, signal?: AbortSignal): Promise<Duplex> {
  const { channel } = await openChannel(host, peer, names.snapshots, signal, 'keeps no snapshots')
  return new ChannelDuplex(channel)
}

async function openChannel(
  host: Peer['host'],
  peer: PeerId,
  protocol: string,
  signal?: AbortSignal,
  older = 'lets nobody in',
): Promise<{ channel: Channel; connection: Connection }> {
  try {
    const { stream, connection } = await openStreamOn(host, peer, protocol, signal)
    return { channel: new Channel(stream), connection }
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.name !== 'UnsupportedProtocolError') throw thrown
    throw new AccessRefusedError('older-version', `the device runs a version of Thymesh that ${older}`, {
      hint: 'Deploy a release with this version first.',
      cause: thrown,
    })
  }
}

/** What a device agrees to, or its challenge. Throws an AccessRefusedError when it refuses. */
export function accepted(verdict: AccessVerdict, user: string): { ticket?: Uint8Array; challenge?: Uint8Array } {
  if (!('error' in verdict)) return verdict
  const { error, reason } = verdict
  const [message, hint] = words[error]
  throw new AccessRefusedError(error, `${message.replace('USER', user)}${reason === undefined ? '' : `: ${reason}`}`, {
    hint,
  })
}

const words: Readonly<Record<(typeof accessRefusals)[number], readonly [message: string, hint: string]>> = {
  'not-served': [
    'the device lets controllers in only, and this peer is not one there',
    "Use an operator's controller: `thymesh members` shows its role.",
  ],
  'not-granted': [
    'nobody is granted access as USER on this device now',
    'See `thymesh access list`; give it with `thymesh access grant`. The device may not have heard of a new grant yet.',
  ],
  'no-sshd': [
    'the device has no sshd',
    'Add the module remote-access to its config and deploy, or install the package openssh-server there.',
  ],
  'no-user': ['the device has no user USER', 'Name another user, or add this one with the module access.'],
  busy: ['the device has as many sessions as it allows', 'End one, or try again later.'],
  unreachable: ['the device could not connect to the target', 'See whether the program there runs and listens.'],
  failed: ['the device could not start the session', 'See its journal: thymesh logs NAME --unit thymesh.'],
}
