/** Which part of each day devices were on: a device measures itself every minute that it is on, and keeps that for four weeks. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import type { MetricsHistory } from '../../protocol/messages/metrics.ts'
import type { Availability } from '../api/schemas/availability.ts'
import { sortedByName } from '../format/name-order.ts'
import type { Session } from '../session/session.ts'
import { askAll } from './ask-all.ts'
import { deviceStatuses } from './device-status.ts'

const daySeconds = 86_400
const step = 900
/** Devices keep quarters of an hour for so long: what lies before the days tells one that was off from one that is new. */
const keptSeconds = 28 * daySeconds
/** A device writes a quarter of an hour after its end, and its clock may be another one. */
const lateSeconds = 300

export async function queryAvailability(
  { peer }: Pick<Session, 'peer'>,
  { days, most }: { readonly days: number; readonly most: number },
): Promise<Availability> {
  const rows = deviceStatuses(peer)
  const connected = sortedByName(
    rows.flatMap(({ device, peer: id, site, way }) =>
      id !== null && way !== null ? [{ device, peer: id, site }] : [],
    ),
    ({ device }) => device,
  ).slice(0, most)
  const now = Math.floor(Date.now() / 1000)
  const from = now - (now % daySeconds) - (days - 1) * daySeconds
  const histories = await askAll(
    connected.map(({ peer: id }) => id),
    (id, signal) => historyOf(peer, id, { from: Math.min(from, now - keptSeconds), to: now }, signal),
  )
  const devices = connected.flatMap(row => {
    const history = histories.get(row.peer)
    return history === undefined ? [] : [{ ...row, on: onPerDay(history, { from, now, days }) }]
  })
  return {
    days: Array.from({ length: days }, (_, day) =>
      new Date((from + day * daySeconds) * 1000).toISOString().slice(0, 10),
    ),
    devices,
    others: rows.length - devices.length,
  }
}

async function historyOf(
  { neighbours }: Pick<ControllerPeer, 'neighbours'>,
  id: string,
  span: { from: number; to: number },
  signal: AbortSignal,
): Promise<MetricsHistory> {
  return await neighbours.askForMetrics(id, { step, ...span, series: ['uptime'] }, signal)
}

/** The share of each day's steps, as far as they are over, in which something was measured. */
export function onPerDay(
  history: MetricsHistory,
  { from, now, days }: { readonly from: number; readonly now: number; readonly days: number },
): (number | null)[] {
  const { average = [] } = history.series.find(({ name }) => name === 'uptime') ?? {}
  const measured = new Set(
    average.flatMap((value, at) =>
      value === null ? [] : [Math.floor((history.from + at * history.step - from) / step)],
    ),
  )
  const first = Math.min(...measured)
  const over = Math.floor((now - from - lateSeconds) / step)
  const perDay = daySeconds / step
  return Array.from({ length: days }, (_, day) => {
    const begin = Math.max(day * perDay, first)
    // The newest one counts once it has a value.
    const end = Math.min((day + 1) * perDay, measured.has(over) ? over + 1 : over)
    if (begin >= end) return null
    let on = 0
    for (let at = begin; at < end; at++) if (measured.has(at)) on++
    return Math.round((on / (end - begin)) * 1000) / 1000
  })
}
