/** A release's waves as this controller sees them: how far each is, and in words why it waits. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import type { Decision } from '../../node/rollout/decision.ts'
import { type DeviceStatus, evaluateWaves, type Now } from '../../node/rollout/evaluate-waves.ts'
import { newsOf } from '../../node/rollout/news.ts'
import { inForce } from '../../node/state/releases.ts'
import type { Release } from '../../protocol/release/release.ts'
import { contentVersion, type Wave, wavesOf } from '../../protocol/release/waves.ts'
import type { Report } from '../../protocol/report/report.ts'
import type { WaveDevice, WaveStatus } from '../api/schemas/rollout.ts'
import { promotedWaves } from '../release/promote.ts'
import { lastSeenOf, type SeenSources } from '../session/last-seen.ts'

/** All waves of the release, in order; of the devices for which it counts, as they see them. */
export function waveStatuses(
  sources: Pick<ControllerPeer, 'state'> & SeenSources,
  whole: Release,
  clock = new Date(),
): WaveStatus[] {
  const { directory, state } = sources
  const certificates = directory.certificates()
  const release = inForce(whole, state.accepted, certificates)
  const reportOf = (peer: string): Report | undefined => directory.report(peer)?.document
  const news = newsOf(release, certificates, peer => ({ report: reportOf(peer) }))
  const peers = new Map(certificates.map(({ name, peer }) => [name, peer]))
  const saidBy = (name: string): Said => {
    const peer = peers.get(name)
    if (peer === undefined) return { ...saidOf(undefined, release), lastSeen: null }
    return { ...saidOf(reportOf(peer), release), lastSeen: lastSeenOf(sources, peer) }
  }
  return wavesOf(release).map(wave => waveStatus(wave, release, news, { steady: 0, clock }, saidBy))
}

type Said = Pick<WaveDevice, 'reason' | 'update' | 'lastSeen'>

/** A device's state in this release: why it waits, or how far it is. A site's versions don't count for the fleet's. */
function saidOf(report: Report | undefined, release: Release): Omit<Said, 'lastSeen'> {
  const { turn, state, wanted, update } = report?.site === release.site ? (report ?? {}) : {}
  return {
    reason: turn !== undefined && turn.release >= contentVersion(release) ? turn.reason : null,
    update: (state === 'fetching' && wanted === release.version && update) || null,
  }
}

function waveStatus(
  wave: Wave,
  release: Release,
  news: ReadonlyMap<string, DeviceStatus>,
  now: Now,
  saidBy: (name: string) => Said,
): WaveStatus {
  const { number, title, soakSeconds, failures, absent } = wave
  const devices = [...wave.devices].sort().map(device => {
    const outcome = news.get(device)?.outcome ?? 'pending'
    const said = saidBy(device)
    const { reason, update } = outcome === 'pending' ? said : { reason: null, update: null }
    return { device, outcome, reason, update, lastSeen: said.lastSeen }
  })
  const confirmed = devices.filter(({ outcome }) => outcome === 'confirmed').length
  const failed = devices.filter(({ outcome }) => outcome === 'failed').length
  const [first] = wave.devices
  const base = { wave: number, title, devices, confirmed, failed, soakSeconds, failures, absent }
  if (wave.unknown !== undefined) {
    return { ...base, state: 'waiting', reason: `${wave.unknown.length} parts of the release did not come here yet` }
  }
  if (first === undefined) return { ...base, state: 'empty', reason: null }
  if (confirmed === devices.length) return { ...base, state: 'confirmed', reason: null }
  const row = { waves: wavesOf(release), key: '', promoted: promotedWaves(release), created: new Date(release.created) }
  const decision: Decision =
    release.rollout === undefined
      ? { is: 'open', wave: number, reason: '' }
      : evaluateWaves(row, first, news, now, {}).decision
  if (decision.is === 'open') return { ...base, state: 'updating', reason: null }
  return { ...base, state: decision.is, reason: decision.reason }
}
