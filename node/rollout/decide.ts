/** Whether a device may begin with a release: a pure function of the release, the reports that came, and the time. */

import type { Release } from '../../protocol/release/release.ts'
import { rolloutDefaults } from '../../protocol/release/rollout-policy.ts'
import { contentVersion, ranked, type Wave, wavesOf } from '../../protocol/release/waves.ts'
import { type Decision, inWords } from './decision.ts'
import { type Confirmations, type DeviceStatus, evaluateWaves, type Now } from './evaluate-waves.ts'

/** What a device remembers of a rollout; kept over restarts, since soak times may be measured by it alone. */
export interface Memory {
  /** The version whose content is rolled out: another one makes all else void. */
  readonly content: number
  /** The site whose own release it is. */
  readonly site?: string | undefined
  /** When the release was seen first, on the steady clock. */
  readonly began: number
  readonly confirmations: Confirmations
  /** When a device that is waited for was heard of last. */
  readonly heard: number
}

export interface Situation {
  readonly release: Release
  /** The device that decides. */
  readonly self: string
  /** By name, of the release's other devices and this one. */
  readonly news: ReadonlyMap<string, DeviceStatus>
  readonly now: Now
  readonly memory: Memory | undefined
}

/** A device is an island's for at least this long after it was heard of: three times what an idle one takes to report. */
const islandSilenceMs = 30 * 60_000
/** After a start, before a device believes that it is alone. */
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
  // What time brings on, or failures hold, isn't for want of news.
  const forNews = decision.is === 'waiting' && decision.milliseconds === undefined ? decision.waitsFor : undefined
  if (isolated === 'wait' || forNews === undefined || decision.is !== 'waiting') {
    return { decision, memory: { ...remembered, heard: now.steady } }
  }

  const afterMs = isolated.afterSeconds * 1000
  const awaited = waves.slice(0, forNews.wave).flatMap(({ devices }) => devices)
  const heard = Math.max(known.heard, ...awaited.map(name => news.get(name)?.heardAt ?? 0))
  // Who has just started gets some time to hear of the others.
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

/** The waves of those in reach as a fleet of their own, one device of the first wave before all others. */
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
