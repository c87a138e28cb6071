/** Streams to a device that a person names: it is reached first. */

import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { userSchema } from '../../protocol/release/access.ts'
import { deviceNamed, reach } from './reach.ts'
import type { Session } from './session.ts'

/** What a stream is for, as commands and other processes of this user ask for it. */
export const streamOptions = z.strictObject({
  device: z.string().min(1).max(200),
  /** As whom a session of SSH is opened; missing for a stream for forwarding or a screen. */
  user: userSchema.optional(),
  /** Whether it is for a screen, or for snapshots of its screens. */
  screen: z.boolean().default(false),
  snapshots: z.boolean().default(false),
  /** Seconds to try to reach the device. */
  wait: z.number().min(0).max(86_400).default(15),
})
export type StreamOptions = z.input<typeof streamOptions>

/** Opens a session of SSH on the device, the bytes of SSH itself; or a stream for forwarding. Throws a ReachError or what the device refuses with. */
export async function openDeviceStream(
  { peer }: Session,
  options: StreamOptions,
  signal?: AbortSignal,
): Promise<Duplex> {
  const { device, user, screen, snapshots, wait } = streamOptions.parse(options)
  const certificate = deviceNamed(peer, device)
  await reach(peer, certificate, wait * 1000, signal)
  const open = async () => {
    if (snapshots) return await peer.neighbours.openSnapshots(certificate.peer, signal)
    if (screen) return await peer.neighbours.openScreen(certificate.peer, signal)
    return user === undefined
      ? await peer.neighbours.openForward(certificate.peer, signal)
      : await peer.neighbours.openSsh(certificate.peer, user, signal)
  }
  const stream = await open()
  const kind = snapshots ? 'snapshots' : screen ? 'screen' : user === undefined ? 'forward' : 'ssh'
  void peer.ownLog.audited('stream-opened', { device, kind, user })
  return stream
}
