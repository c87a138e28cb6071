/** The answer of `thymesh device NAME`: a device's certificate, what it should run, what it reports, and its past. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { followed, inForce } from '../../node/state/releases.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { type HistoryEntry, historyCodec } from '../../protocol/messages/logs.ts'
import { wavesOf } from '../../protocol/release/waves.ts'
import type { Report } from '../../protocol/report/report.ts'
import { deviceNamed, reach } from '../session/reach.ts'
import type { Session } from '../session/session.ts'
import { type DeviceStatus, deviceStatuses } from './device-status.ts'

export interface DeviceDetails {
  device: string
  peer: string
  certificate: { role: string; site: string | null; issued: string; expires: string; byToken: boolean }
  /** Of the newest release that counts for it; null when that doesn't name the device. */
  declared: { config: string; site: string | null; tags: string[]; wave: number } | null
  status: DeviceStatus | null
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

/** How long the device is dialled before its reports stand in for its own history. */
const historyWaitMs = 1_000

export async function queryDevice({ peer }: Session, { name }: { name: string }): Promise<DeviceDetails> {
  const certificate = deviceNamed(peer, name)
  return deviceDetails(peer, certificate, await historyOf(peer, certificate))
}

/** The device's own where it answers: it saw all that happened. Else what came here in reports. */
async function historyOf(
  peer: ControllerPeer,
  certificate: Certificate,
): Promise<{ entries: HistoryEntry[]; from: DeviceDetails['historyFrom'] }> {
  try {
    await reach(peer, certificate, historyWaitMs)
    const bytes = await peer.neighbours.askForLog(certificate.peer, { history: true })
    return { entries: historyCodec.decode(bytes), from: 'device' }
  } catch {
    return { entries: await peer.historyOf(certificate.peer), from: 'reports' }
  }
}

function deviceDetails(
  peer: ControllerPeer,
  certificate: Certificate,
  history: { entries: HistoryEntry[]; from: DeviceDetails['historyFrom'] },
): DeviceDetails {
  const { name, peer: id, role, site, issued, expires, grant } = certificate
  const { accepted } = peer.state
  const release = followed(accepted, certificate)
  const device = release !== undefined && Object.hasOwn(release.devices, name) ? release.devices[name] : undefined
  const wave =
    release &&
    wavesOf(inForce(release, accepted, peer.directory.certificates())).find(({ devices }) => devices.includes(name))
      ?.number
  const report = peer.directory.report(id)?.document
  return {
    device: name,
    peer: id,
    certificate: { role, site: site ?? null, issued, expires, byToken: grant !== undefined },
    declared: device
      ? { config: device.config, site: device.site ?? null, tags: [...(device.tags ?? [])], wave: wave ?? 1 }
      : null,
    status: deviceStatuses(peer).find(row => row.peer === id) ?? null,
    health: report?.health ?? null,
    addresses: [...peer.neighbours.addressesOf(id)],
    connected: peer.neighbours.members.some(member => member.peer === id),
    history: history.entries,
    historyFrom: history.from,
    excerpt: report?.excerpt ?? null,
  }
}
