/** Silences and acknowledgements: everybody in reach who sends alerts is told, and keeps it. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { sendingControllers } from '../../node/alerts/sending-controllers.ts'
import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { followed } from '../../node/state/releases.ts'
import { alertsOf, selects } from '../../protocol/alerts/rules.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import type { silencedSchema, silenceOptions } from '../api/schemas/orders.ts'
import type { Session } from '../session/session.ts'
import { requireOperator } from '../session/viewer.ts'
import type { Talk } from '../tasks/talk.ts'

const lookAgainMs = 50

export async function silence(
  session: Session,
  { wait, ...request }: z.output<typeof silenceOptions>,
  talk: Talk,
): Promise<z.output<typeof silencedSchema>> {
  // It signs nothing, and devices don't listen to viewers.
  requireOperator(session)
  const { peer } = session
  const senders = sendersOf(peer, new Date())
  if (senders.size === 0 && peer.alerts === undefined) {
    throw new HintedError('no-senders', 'no device and no controller sends alerts', {
      hint: 'Write channels into alerts.json, and deploy it.',
    })
  }
  const deadline = Date.now() + wait * 1000
  const left = new Map(senders)
  const told: string[] = []
  if (peer.alerts !== undefined) {
    await peer.alerts.silence(request)
    left.delete(peer.peerId)
    told.push(peer.certificate.name)
  }
  do {
    for (const { peer: id } of peer.neighbours.members) {
      const name = left.get(id)
      if (name === undefined) continue
      left.delete(id)
      try {
        await peer.neighbours.silence(id, request, talk.signal)
        told.push(name)
      } catch (thrown) {
        talk.note(`${name} was not told: ${messageOf(thrown)}`)
      }
    }
    if (left.size > 0) await sleep(lookAgainMs, undefined, { signal: talk.signal })
  } while (left.size > 0 && Date.now() < deadline)
  if (told.length === 0) {
    throw new HintedError('not-in-reach', 'nobody who sends alerts is in reach', {
      hint: 'Wait longer (--wait SECONDS), or ask from a network from which one can be reached.',
    })
  }
  const missed = [...senders.values()].filter(name => !told.includes(name))
  return { told: told.sort(), missed: missed.sort() }
}

/** Names by peer ID. */
function sendersOf({ directory, state }: Pick<ControllerPeer, 'directory' | 'state'>, now: Date): Map<string, string> {
  const senders = new Map(sendingControllers(directory, now).map(({ peer, name }) => [peer, name]))
  for (const device of directory.certificates()) {
    const release = followed(state.accepted, device)
    const entry = release?.devices[device.name]
    if (device.role !== 'device' || entry === undefined) continue
    const channels = Object.values(alertsOf(release).channels)
    if (channels.some(({ by }) => selects(by, device.name, entry))) senders.set(device.peer, device.name)
  }
  return senders
}
