/** The order that takes along what a visit finds: histories and logs of failures, which no report has room for. */

import type { z } from 'zod'
import { sha256Hex } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import { historyCodec } from '../../protocol/messages/logs.ts'
import type { Collected, collectOptions } from '../api/schemas/orders.ts'
import { keepLogs } from '../fleet/carried-logs.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'

export async function collect(
  { peer, home }: Session,
  { devices }: z.output<typeof collectOptions>,
  { note, signal }: Talk,
): Promise<Collected> {
  const { neighbours, directory } = peer
  const here = neighbours.members.filter(({ certificate }) => devices.includes(certificate.name))
  const collected: Collected['collected'] = []
  for (const { peer: id, certificate } of here) {
    signal.throwIfAborted()
    const device = certificate.name
    // All reports that this neighbour has come along, of others too.
    await neighbours.sync(id)
    try {
      const account = historyCodec.decode(await neighbours.askForLog(id, { history: true }, signal))
      const history = await peer.mergeHistory(id, account)
      const hash = directory.report(id)?.document.log?.hash
      const text = hash && (await neighbours.askForLog(id, { activation: hash }, signal))
      const logs = text === undefined ? [] : [{ hash: sha256Hex(text), text }]
      collected.push({ device, history, logs: await keepLogs(home, device, logs) })
    } catch (thrown) {
      note(`${device} did not give its history: ${messageOf(thrown)}`)
    }
  }
  return { collected }
}
