/** The devices as clients of SSH see them: names, tags and host keys. */

import { followed } from '../../node/state/releases.ts'
import { hostKeyIn } from '../../protocol/report/ssh-host-key.ts'
import { fleetFields } from '../../protocol/trust/fleet.ts'
import type { SshTarget, SshTargets } from '../api/schemas/access.ts'
import { lastSeenOf } from '../session/last-seen.ts'
import type { Session } from '../session/session.ts'
import { acceptedOf } from '../signing/proposing.ts'

export async function querySshTargets({ peer }: Session): Promise<SshTargets> {
  const accepted = acceptedOf(peer)
  const connected = new Set(peer.neighbours.members.map(member => member.peer))
  const devices = new Map<string, SshTarget>()
  // Of several with one name the newest certificate counts, as everywhere.
  const all = peer.directory.certificates().filter(({ role }) => role === 'device')
  for (const certificate of all.sort((a, b) => (a.issued < b.issued ? -1 : 1))) {
    const { name, peer: id, site = null } = certificate
    const release = followed(accepted, certificate)
    const declared = release !== undefined && Object.hasOwn(release.devices, name) ? release.devices[name] : undefined
    const report = peer.directory.report(id)?.document
    devices.set(name, {
      ...{ device: name, peer: id, site, config: declared?.config ?? null, tags: [...(declared?.tags ?? [])] },
      hostKey: (report && hostKeyIn(report)) ?? null,
      connected: connected.has(id),
      lastSeen: lastSeenOf(peer, id),
    })
  }
  const { name } = fleetFields(accepted.trusted.root)
  return {
    fleet: name,
    fleetId: peer.fleet,
    controller: peer.peerId,
    devices: [...devices.values()].sort((a, b) => (a.device < b.device ? -1 : 1)),
  }
}
