/** The answer of `thymesh logs`: lines of a device's journal, or of the log of the activation that failed last. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { LogRequest } from '../../protocol/messages/logs.ts'
import type { DeviceLog } from '../api/schemas/device.ts'
import { deviceNamed, reach } from '../session/reach.ts'
import type { Session } from '../session/session.ts'
import { whileBusy } from '../session/while-busy.ts'

export interface LogsOptions {
  /** The device's name. */
  readonly device: string
  /** Only lines of this unit, such as `web.service`. */
  readonly unit?: string | undefined
  /** So many lines at most, the newest. */
  readonly lines: number
  /** Only lines that are not older than this time. */
  readonly since?: string | undefined
  /** The log of the last failed activation in place of the journal. */
  readonly activation: boolean
  /** Seconds to try to reach the device. */
  readonly wait: number
}

export async function queryLogs({ peer }: Session, options: LogsOptions): Promise<DeviceLog> {
  const device = deviceNamed(peer, options.device)
  const report = peer.directory.report(device.peer)?.document
  const request = options.activation ? activationOf(report?.log?.hash, options.device) : journalOf(options)
  await reach(peer, device, options.wait * 1000)
  return { device: options.device, peer: device.peer, lines: await linesOf(peer, device.peer, request) }
}

function journalOf({ unit, lines, since }: LogsOptions): LogRequest {
  return { journal: { lines, ...(unit !== undefined && { unit }), ...(since && { since }) } }
}

function activationOf(hash: Uint8Array | undefined, device: string): LogRequest {
  if (hash !== undefined) return { activation: hash }
  throw new HintedError('not-found', `the last report of ${device} names no log of a failed activation`, {
    hint: 'Read its journal: `thymesh logs` without --activation.',
  })
}

async function linesOf({ neighbours }: ControllerPeer, device: string, request: LogRequest): Promise<string[]> {
  const text = Buffer.from(await whileBusy(() => neighbours.askForLog(device, request))).toString()
  return text.split('\n').filter((line, at, all) => line !== '' || at < all.length - 1)
}
