/** `thymesh device NAME`: one device, and how releases went on it. */

import { askForLog } from '../../../node/logs/log-service.ts'
import type { Certificate } from '../../../protocol/members/certificate.ts'
import { type HistoryEntry, historyCodec } from '../../../protocol/messages/logs.ts'
import { viewDevice } from '../../queries/device.ts'
import { deviceNamed, reach } from '../../session/reach.ts'
import type { Session } from '../../session/session.ts'
import { deviceText } from '../../views/device.ts'
import type { ProjectOptions } from '../shell/options.ts'
import type { Query } from '../shell/questions.ts'
import { show } from '../shell/reader.ts'

export interface DeviceOptions extends ProjectOptions {
  name: string
  wait: number
}

export async function device(options: DeviceOptions): Promise<undefined> {
  return await show('device', options, { name: options.name })
}

export const deviceQuery: Query<{ name: string }> = async (session, { name }) => {
  const certificate = deviceNamed(session.peer, name)
  const details = viewDevice(session.peer, certificate, await historyOf(session, certificate))
  return { json: details, text: deviceText(details) }
}

/** The device's own where it answers: it saw all that happened. Else what came here in reports. */
async function historyOf(
  { peer }: Session,
  certificate: Certificate,
): Promise<{ entries: HistoryEntry[]; from: 'device' | 'reports' }> {
  try {
    const id = await reach(peer, certificate, 1_000)
    return { entries: historyCodec.decode(await askForLog(peer, id, { history: true })), from: 'device' }
  } catch {
    return { entries: await peer.history.of(certificate.peer), from: 'reports' }
  }
}
