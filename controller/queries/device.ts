/** The answer of `thymesh device NAME`: a device's certificate, what it should run, what it reports, and its past. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { followed, inForce } from '../../node/state/releases.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { type HistoryEntry, historyCodec } from '../../protocol/messages/logs.ts'
import { wavesOf } from '../../protocol/release/waves.ts'
import type { DeviceDetails } from '../api/schemas/device.ts'
import { deviceNamed, reach } from '../session/reach.ts'
import type { Session } from '../session/session.ts'
import { memberStatus } from './device-status.ts'

/** How long the device is dialled before its reports stand in for its own history. */
const historyWaitMs = 1_000

export async function queryDevice({ peer }: Session, { name }: { name: string }): Promise<DeviceDetails> {
  const certificate = deviceNamed(peer, name)
  return deviceDetails(peer, certificate, await historyOf(peer, certificate))
}

function devicesNamed({ directory }: Pick<ControllerPeer, 'directory'>, name: string): number {
  return directory.certificates().filter(each => each.role === 'device' && each.name === name).length
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
    status: memberStatus(peer, certificate, devicesNamed(peer, name) > 1),
    health: report?.health ?? null,
    addresses: [...peer.neighbours.addressesOf(id)],
    connected: peer.neighbours.members.some(member => member.peer === id),
    history: history.entries,
    historyFrom: history.from,
    excerpt: report?.excerpt ?? null,
  }
}
