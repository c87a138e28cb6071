/**
 * Decides whether a device may begin with a release: a pure function of the release, the received reports and the
 * time.
 */

import type { Release } from '../../protocol/release/release.ts'
import { rolloutDefaults } from '../../protocol/release/rollout-policy.ts'
import { contentVersion, ranked, type Wave, wavesOf } from '../../protocol/release/waves.ts'
import { type Decision, inWords } from './decision.ts'
import { type Confirmations, type DeviceStatus, evaluateWaves, type Now } from './evaluate-waves.ts'

/** A device's memory of a rollout, kept across restarts, since it may be the only measure of soak times. */
export interface Memory {
  /** The content version that is rolled out; another one invalidates the rest. */
  readonly content: number
  /** The site, if the release is a site's own. */
  readonly site?: string | undefined
  /** When the release was first seen, on the steady clock. */
  readonly began: number
  readonly confirmations: Confirmations
  /** When an awaited device was last heard of. */
  readonly heard: number
}

export interface Situation {
  readonly release: Release
  /** The deciding device. */
  readonly self: string
  /** The status of the release's devices, including this one, by name. */
  readonly news: ReadonlyMap<string, DeviceStatus>
  readonly now: Now
  readonly memory: Memory | undefined
}

/** How long a silent device still belongs to an island: three times the report interval of a device that is awaited. */
const islandSilenceMs = 30 * 60_000
/** How long after a start a device waits before it assumes that it is isolated. */
const startGraceMs = 2 * 60_000

export function decide({ release, self, news, now, memory }: Situation): { decision: Decision; memory: Memory } {
  const content = contentVersion(release)
  const { site } = release
  const known =
    memory?.content === content && memory.site === site
      ? memory
      : { content, ...(site && { site }), began: now.steady, confirmations: {}, heard: now.steady }
  if (release.rollout === undefined) {
    return { decision: { is: 'open', wave: 1, reason: 'the release has no waves' }, memory: known }
  }
  const waves = wavesOf(release)
  const created = new Date(release.created)
  const promoted = release.promotes === undefined ? 0 : (release.promotes.waves ?? waves.length)
  const whole = evaluateWaves({ waves, key: '', promoted, created }, self, news, now, known.confirmations)
  const { decision } = whole
  const remembered = { ...known, confirmations: whole.confirmations }
  const { isolated = rolloutDefaults.isolated } = release.rollout
  // A wait that ends with time, or a hold by failures, isn't due to missing reports.
  const forNews = decision.is === 'waiting' && decision.milliseconds === undefined ? decision.waitsFor : undefined
  // Who is alone goes by all devices of the release: such devices ask for all shards.
  const isPart = release.sharded !== undefined && release.sharded.missing.length > 0
  if (isolated === 'wait' || isPart || forNews === undefined || decision.is !== 'waiting') {
    return { decision, memory: { ...remembered, heard: now.steady } }
  }

  const afterMs = isolated.afterSeconds * 1000
  const awaited = waves.slice(0, forNews.wave).flatMap(({ devices }) => devices)
  const heard = Math.max(known.heard, ...awaited.map(name => news.get(name)?.heardAt ?? 0))
  // After a start, a device needs time to hear of the others.
  const patience = (now.started ?? 0) + Math.min(afterMs, startGraceMs)
  const left = Math.max(heard + afterMs, patience) - now.steady
  if (left > 0) {
    const reason = `${decision.reason}; goes on alone in ${inWords(left)} if nothing is heard of it`
    return { decision: { ...decision, milliseconds: left, reason }, memory: { ...remembered, heard } }
  }
  const silence = Math.max(afterMs, islandSilenceMs)
  const inReach = (name: string) => {
    const heardAt = news.get(name)?.heardAt
    return name === self || (heardAt !== undefined && now.steady - heardAt < silence)
  }
  const island = islandOf(waves.slice(forNews.wave), inReach, `${release.fleet}/${content}/island`)
  const alone = evaluateWaves(
    { waves: island, key: 'island-', promoted: 0, created },
    self,
    news,
    now,
    known.confirmations,
  )
  const confirmations = { ...whole.confirmations, ...alone.confirmations }
  return { decision: ofIsland(alone.decision, decision.wave), memory: { ...remembered, confirmations, heard } }
}

/** Forms the waves of an isolated fleet from the reachable devices, with one device of the first wave as its canary. */
function islandOf(waves: readonly Wave[], inReach: (name: string) => boolean, seed: string): Wave[] {
  const reached = waves
    .map(wave => ({ ...wave, devices: wave.devices.filter(inReach), absent: 0 }))
    .filter(({ devices }) => devices.length > 0)
  const [first] = reached
  const [canary] = ranked(first?.devices ?? [], seed)
  if (first === undefined || canary === undefined) return []
  const others = reached.map(wave => ({ ...wave, devices: wave.devices.filter(name => name !== canary) }))
  return [{ ...first, devices: [canary] }, ...others.filter(({ devices }) => devices.length > 0)].map((wave, at) => ({
    ...wave,
    number: at + 1,
  }))
}

function ofIsland(decision: Decision, wave: number): Decision {
  if (decision.is === 'open') return { ...decision, wave, reason: 'alone: none of the waves before is in reach' }
  return { ...decision, wave, reason: `alone: of those in reach, ${decision.reason}` }
}
