/** Watching a rollout from the command line: progress, when to leave, and how it ended. */

import { HintedError } from '../../../protocol/errors.ts'
import type { Release } from '../../../protocol/release/release.ts'
import { damageText } from '../../../protocol/report/damage.ts'
import { releaseName } from '../../format/release-name.ts'
import { type Rollout, watchRollout } from '../../queries/watch-rollout.ts'
import type { Session } from '../../session/session.ts'
import { progressText, RolloutProgress } from '../../views/progress.ts'
import { WaveNews } from '../../views/wave-news.ts'
import { untilLeft } from './leaving.ts'
import { watchSeconds } from './limits.ts'
import type { GlobalOptions, WatchOptions } from './options.ts'
import { exitCodes, print } from './output.ts'

/** Throws when the release lacks a device to wait for: that wait would be over at once, or never. */
export function checkWaitFor(waitFor: readonly string[], devices: readonly string[]): void {
  const unknown = waitFor.find(name => !devices.includes(name))
  if (unknown === undefined) return
  throw new HintedError('unknown-device', `--wait-for: expected a device of the release, got ${unknown}`, {
    hint: `Choose one of its devices: ${devices.slice(0, 20).join(', ') || 'it has none'}.`,
  })
}

/** Shows the rollout until all have ended, the time is over or the operator leaves; the last is no failure. */
export async function watch(session: Session, release: Release, options: WatchOptions): Promise<number> {
  const progress = new RolloutProgress()
  const waves = new WaveNews(session.peer, release)
  const enough = new AbortController()
  const { damaged } = session.peer.closures
  // Devices ask this store for what they lack: they wait for what is damaged here.
  const onDamage = () => {
    const text = damageText(damaged.all)
    if (text !== undefined && !options.json) progress.say(`On this machine, ${text}`)
  }
  const timeout = AbortSignal.timeout((options.timeout ?? watchSeconds) * 1000)
  let told = false
  const onChange = (rollout: Rollout) => {
    if (!options.json) {
      progress.show(rollout.rows, release)
      for (const line of waves.lines()) progress.say(line)
    }
    if (rollout.holders.length === 0 || rollout.complete) return
    if (!options.wait) enough.abort()
    else if (!told && !options.json)
      progress.say(`(${rollout.holders[0]} has the whole release: you may leave with Ctrl-C)`)
    told = true
  }
  onDamage()
  damaged.on('found', onDamage)
  try {
    const rollout = await untilLeft(left => {
      const signal = AbortSignal.any([left, enough.signal, timeout])
      return watchRollout(session.peer, release, signal, onChange, options.waitFor)
    })
    return conclude(rollout, release, options, { timedOut: timeout.aborted, damaged: damaged.all })
  } finally {
    damaged.off('found', onDamage)
  }
}

/** Devices that are named when the time is over; `thymesh status` shows all. */
const namedWaiting = 8

function conclude(
  rollout: Rollout,
  release: Release,
  options: GlobalOptions,
  { timedOut, damaged }: { timedOut: boolean; damaged: readonly string[] },
): number {
  const { rows, complete, held, holders, failed, waiting } = rollout
  const running = rows.filter(
    row => row.state === 'running' && row.releaseSite === (release.site ?? null) && row.release === release.version,
  ).length
  const words = [`Release ${releaseName(release)}: ${running} of ${rows.length} devices run it`]
  if (failed.length > 0) words.push(`failed on ${failed.join(', ')}`)
  if (held) words.push('this holds the others: fix it and deploy, or use `thymesh promote`')
  else if (!complete && holders.length > 0) words.push(`the others get it from ${holders.join(', ')}`)
  if (!complete && !held && holders.length === 0)
    words.push('no other peer has all of it yet: run `thymesh status` later')
  if (timedOut && !complete) {
    const named = waiting.slice(0, namedWaiting).map(row => `${row.device}: ${progressText(row, release)}`)
    const more = waiting.length > namedWaiting ? [`and ${waiting.length - namedWaiting} more`] : []
    words.push(`the time is over for ${[...named, ...more].join(', ')}`)
  }
  print(
    options,
    {
      release: release.version,
      ...(release.site && { site: release.site }),
      complete,
      held,
      restores: release.restores ?? null,
      holders,
      failed,
      waiting: waiting.map(({ device }) => device),
      damaged,
      devices: rows,
    },
    `${words.join('; ')}.`,
  )
  if (failed.length > 0 || held) return exitCodes.failed
  return timedOut && !complete ? exitCodes.incomplete : exitCodes.done
}
