/** All that this controller knows of one device: certificate, what it should run, what it says, and its past. */

import type { MeshPeer } from '../../node/peer/mesh-peer.ts'
import { followed, inForce } from '../../node/state/releases.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import type { HistoryEntry } from '../../protocol/messages/logs.ts'
import { wavesOf } from '../../protocol/release/waves.ts'
import type { Report } from '../../protocol/report/report.ts'
import { type DeviceView, viewFleet } from './device-status.ts'

export interface DeviceDetails {
  device: string
  peer: string
  certificate: { role: string; site: string | null; issued: string; expires: string; byToken: boolean }
  /** Of the newest release that counts for it; null when that doesn't name the device. */
  declared: { config: string; site: string | null; tags: string[]; wave: number } | null
  status: DeviceView | null
  health: NonNullable<Report['health']> | null
  /** Where it was reached. */
  addresses: string[]
  /** Whether it is connected to this controller now. */
  connected: boolean
  /** The newest first. `device`: by its own notes; `reports`: what of them came here. */
  history: HistoryEntry[]
  historyFrom: 'device' | 'reports'
  /** The last lines of an activation that failed. */
  excerpt: string | null
}

export function viewDevice(
  peer: MeshPeer,
  certificate: Certificate,
  history: { entries: HistoryEntry[]; from: DeviceDetails['historyFrom'] },
): DeviceDetails {
  const { name, peer: id, role, site, issued, expires, grant } = certificate
  const { belief } = peer.state
  const release = followed(belief, certificate)
  const device = release !== undefined && Object.hasOwn(release.devices, name) ? release.devices[name] : undefined
  const wave =
    release &&
    wavesOf(inForce(release, belief, peer.directory.certificates())).find(({ devices }) => devices.includes(name))
      ?.number
  const report = peer.directory.report(id)?.document
  return {
    device: name,
    peer: id,
    certificate: { role, site: site ?? null, issued, expires, byToken: grant !== undefined },
    declared: device
      ? { config: device.config, site: device.site ?? null, tags: [...(device.tags ?? [])], wave: wave ?? 1 }
      : null,
    status: viewFleet(peer).find(row => row.peer === id) ?? null,
    health: report?.health ?? null,
    addresses: [...peer.addresses.addresses(id)],
    connected: peer.admission.members.some(member => member.peer.toString() === id),
    history: history.entries,
    historyFrom: history.from,
    excerpt: report?.excerpt ?? null,
  }
}
