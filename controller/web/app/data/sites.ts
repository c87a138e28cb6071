/** The devices of each site, counted: what the overview, the picture of the mesh and the views of sites show. */

import type { DeviceStatus } from '../../../api/schemas/status.ts'
import { linkTo } from '../base/router.svelte.ts'
import { groupOf, paceOf, type Seen, shareOf } from './device-state.ts'

/** A clock that is so far ahead tells nothing about when. */
const aheadMs = 5 * 60_000

export interface SiteCounts {
  /** Null for the devices without a site. */
  readonly name: string | null
  readonly rows: readonly DeviceStatus[]
  /** Devices that run what they should. */
  readonly current: number
  readonly failed: number
  /** The newest report, in milliseconds since 1970; 0 for none. */
  readonly heard: number
  readonly connected: number
  /** All that are connected are so by a hub. */
  readonly byHub: boolean
  readonly fetching: number
  /** Bytes in a second, and bytes that are still to fetch. */
  readonly rate: number
  readonly left: number
}

export function sitesOf(devices: readonly DeviceStatus[], seen: Seen): SiteCounts[] {
  return [...Map.groupBy(devices, ({ site }) => site)]
    .map(([name, rows]) => siteOf(name, rows, seen))
    .toSorted((a, b) => (a.name ?? '\uffff').localeCompare(b.name ?? '\uffff', 'en', { numeric: true }))
}

function siteOf(name: string | null, rows: readonly DeviceStatus[], seen: Seen): SiteCounts {
  const fetching = rows.filter(row => shareOf(row) !== undefined)
  const times = rows.map(({ lastSeen }) => Date.parse(lastSeen ?? '') || 0)
  const connected = seen.live ? rows.filter(({ device }) => seen.peers.has(device)) : []
  return {
    name,
    rows,
    current: rows.filter(row => groupOf(row) === 'running').length,
    failed: rows.filter(row => groupOf(row) === 'failed').length,
    heard: Math.max(0, ...times.filter(at => at <= seen.now + aheadMs)),
    connected: connected.length,
    byHub: connected.length > 0 && connected.every(({ way }) => way?.kind === 'relayed'),
    fetching: fetching.length,
    rate: sum(fetching.map(row => paceOf(row, seen.now) ?? 0)),
    left: sum(fetching.map(({ update }) => Math.max(0, leftOf(update)))),
  }
}

function leftOf(update: DeviceStatus['update']): number {
  return update === null ? 0 : update.needed - update.fromControllers - update.fromNeighbours
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** The address of a site's view. */
export function siteLink(name: string | null): string {
  return linkTo('sites', name ?? '-')
}
