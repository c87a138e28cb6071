/** Reaching one device from a controller: by name, over a direct connection. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { lastSeenOf, type SeenSources } from './last-seen.ts'

export class ReachError extends HintedError<'unknown-device' | 'not-in-reach'> {}

/** The device's certificate; the newest, where several peers were given one name. Throws a ReachError. */
export function deviceNamed(peer: Pick<ControllerPeer, 'directory'>, name: string): Certificate {
  const devices = peer.directory.certificates().filter(({ role }) => role === 'device')
  const found = devices.filter(each => each.name === name).sort((a, b) => (a.issued < b.issued ? 1 : -1))[0]
  if (found !== undefined) return found
  const names = devices.map(each => each.name).sort()
  throw new ReachError('unknown-device', `no device named ${name} has joined this fleet`, {
    hint: `Known devices: ${names.slice(0, 20).join(', ') || 'none'}.`,
  })
}

/** Waits until the device is connected, and dials it where the mesh has not. Throws a ReachError. */
export async function reach(
  peer: Pick<ControllerPeer, 'neighbours'> & SeenSources,
  device: Certificate,
  waitMs: number,
  left?: AbortSignal,
): Promise<void> {
  if (await peer.neighbours.reach(device.peer, waitMs, left)) return
  left?.throwIfAborted()
  const lastSeen = lastSeenOf(peer, device.peer)
  throw new ReachError('not-in-reach', `${device.name} isn't in reach${lastSeen ? `: last seen ${lastSeen}` : ''}`, {
    hint: 'Wait longer (--wait SECONDS), or ask from a network from which it can be reached.',
  })
}
