/** Watching a rollout from the command line: progress, when to leave, and how it ended. */

import { damageText } from '../../../protocol/report/damage.ts'
import type { ReleaseProgress } from '../../api/schemas/rollout.ts'
import { releaseName } from '../../format/release-name.ts'
import { progressText, RolloutProgress } from '../../views/progress.ts'
import { WaveNews } from '../../views/wave-news.ts'
import type { Access } from './access.ts'
import { untilLeft } from './leaving.ts'
import { watchSeconds } from './limits.ts'
import type { GlobalOptions, WatchOptions } from './options.ts'
import { exitCodes, print } from './output.ts'

/** The release that is watched. */
interface Watched {
  readonly version: number
  readonly site: string | undefined
}

/** Shows the rollout until all have ended, the time is over or the operator leaves; the last is no failure. */
export async function watch(access: Access, release: Watched, options: WatchOptions): Promise<number> {
  const drawing = new Drawing(release, options)
  const enough = new AbortController()
  const timeout = AbortSignal.timeout((options.timeout ?? watchSeconds) * 1000)
  const over = new AbortController()
  try {
    const last = await untilLeft(async left => {
      const signal = AbortSignal.any([left, enough.signal, timeout])
      const changes = await access.changes(AbortSignal.any([signal, over.signal]))
      const { version, site } = release
      for (;;) {
        const progress = await access.ask('progress', { release: version, site, waitFor: options.waitFor }, 0)
        drawing.show(progress)
        if (progress.holders.length > 0 && !progress.complete && !options.wait) enough.abort()
        if (progress.complete || progress.held || signal.aborted) return progress
        await changes.next()
      }
    })
    return conclude(last, options, timeout.aborted)
  } finally {
    over.abort()
  }
}

/** What a person sees of it while it goes on; nothing with `--json`. */
class Drawing {
  readonly #release: Watched
  readonly #options: WatchOptions
  readonly #progress = new RolloutProgress()
  readonly #waves = new WaveNews()
  #damage: string | undefined
  #toldLeave = false

  constructor(release: Watched, options: WatchOptions) {
    this.#release = release
    this.#options = options
  }

  show({ devices, waves, damaged, holders, complete }: ReleaseProgress): void {
    if (this.#options.json) return
    // Devices ask the controller's store for what they lack: they wait for what is damaged there.
    const damage = damageText(damaged)
    if (damage !== undefined && damage !== this.#damage) this.#progress.say(`On this machine, ${damage}`)
    this.#damage = damage
    this.#progress.show(devices, this.#release)
    for (const line of this.#waves.lines(waves)) this.#progress.say(line)
    if (holders.length === 0 || complete || this.#toldLeave) return
    if (this.#options.wait) this.#progress.say(`(${holders[0]} has the whole release: you may leave with Ctrl-C)`)
    this.#toldLeave = true
  }
}

/** Devices that are named when the time is over; `thymesh status` shows all. */
const namedWaiting = 8

function conclude(progress: ReleaseProgress, options: GlobalOptions, timedOut: boolean): number {
  const { devices, complete, held, holders, failed, waiting } = progress
  const release: Watched = { version: progress.release, site: progress.site }
  const running = devices.filter(
    row => row.state === 'running' && row.releaseSite === (release.site ?? null) && row.release === release.version,
  ).length
  const words = [`Release ${releaseName(release)}: ${running} of ${devices.length} devices run it`]
  if (failed.length > 0) words.push(`failed on ${failed.join(', ')}`)
  if (held) words.push('this holds the others: fix it and deploy, or use `thymesh promote`')
  else if (!complete && holders.length > 0) words.push(`the others get it from ${holders.join(', ')}`)
  if (!complete && !held && holders.length === 0)
    words.push('no other peer has all of it yet: run `thymesh status` later')
  if (timedOut && !complete) {
    const awaited = new Set(waiting)
    const rows = devices.filter(({ device }) => awaited.has(device))
    const named = rows.slice(0, namedWaiting).map(row => `${row.device}: ${progressText(row, release)}`)
    const more = rows.length > namedWaiting ? [`and ${rows.length - namedWaiting} more`] : []
    words.push(`the time is over for ${[...named, ...more].join(', ')}`)
  }
  const { waves: _, ...json } = progress
  print(options, json, `${words.join('; ')}.`)
  if (failed.length > 0 || held) return exitCodes.failed
  return timedOut && !complete ? exitCodes.incomplete : exitCodes.done
}
