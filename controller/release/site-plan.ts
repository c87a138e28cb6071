/** What a release would cost each site: bytes, time at its uplink, and whether a stick brings it sooner. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { type SiteUplink, uplinksOf } from '../../protocol/release/site-uplinks.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import type { SitePlan } from '../api/schemas/orders.ts'

/** Beyond this, somebody who goes there anyway is sooner. */
const stickAfterSeconds = 86_400
const daySeconds = 86_400

/** A row for each site, and one (null) for devices without any. By what their devices last said that they run. */
export async function sitePlans(
  peer: Pick<ControllerPeer, 'directory' | 'estimate'>,
  content: ReleaseContent,
): Promise<SitePlan[]> {
  const uplinks = uplinksOf(content)
  const sites = Map.groupBy(Object.entries(content.devices), ([, { site }]) => site ?? null)
  const plans: SitePlan[] = []
  for (const [site, devices] of [...sites].sort(([a], [b]) => (a ?? '').localeCompare(b ?? ''))) {
    const names = new Set(devices.map(([name]) => name))
    const wanted = [...new Set(devices.map(([, { config }]) => config))].flatMap(name => content.configs[name] ?? [])
    const members = peer.directory.certificates().filter(({ role, name }) => role === 'device' && names.has(name))
    const running = new Set(members.flatMap(each => peer.directory.report(each.peer)?.document.running ?? []))
    const estimate = await peer.estimate(
      wanted.map(({ closure }) => hashOfCid(closure)),
      [...running],
    )
    const uplink = site !== null && Object.hasOwn(uplinks, site) ? uplinks[site] : undefined
    const unknown = devices.length - new Set(members.map(({ name }) => name)).size
    plans.push({ site, devices: devices.length, unknown, ...estimate, ...timeOf(estimate.wire, uplink) })
  }
  return plans
}

/** At its rate, but no more than its budget and its windows allow. */
function timeOf(wire: number, uplink: SiteUplink | undefined): Pick<SitePlan, 'seconds' | 'bytesPerDay' | 'stick'> {
  const { bytesPerDay, bitsPerSecond, windows } = uplink ?? {}
  const openShare = windows === undefined ? 1 : Math.min(1, openSeconds(windows) / daySeconds)
  const atRate = bitsPerSecond === undefined ? undefined : (wire * 8) / (bitsPerSecond * openShare)
  const inBudget = bytesPerDay === undefined ? undefined : Math.floor(wire / bytesPerDay) * daySeconds
  const known = [atRate, inBudget].filter(each => each !== undefined)
  const seconds = wire === 0 ? 0 : known.length === 0 ? null : Math.ceil(Math.max(...known))
  return { seconds, bytesPerDay: bytesPerDay ?? null, stick: seconds !== null && seconds > stickAfterSeconds }
}

/** As if each window opened once a day: those that open more rarely take longer. */
function openSeconds(windows: NonNullable<SiteUplink['windows']>): number {
  return windows.reduce((sum, { minutes }) => sum + minutes * 60, 0)
}
