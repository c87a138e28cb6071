/** `thymesh visit [SITE]`: a controller at a site shows how far its devices are, takes their news along, and says when it may leave. */

import type { Visit } from '../../api/schemas/visit.ts'
import { leaveText } from '../../views/visit.ts'
import { type Access, textOf, withAccess } from '../shell/access.ts'
import { Drawing } from '../shell/draw.ts'
import { untilLeft } from '../shell/leaving.ts'
import { agesMs } from '../shell/limits.ts'
import type { ReadOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'

export interface VisitOptions extends ReadOptions {
  site?: string
  /** End as soon as the site goes on without this controller. */
  untilMayLeave: boolean
  timeout?: number
}

export async function visit(options: VisitOptions): Promise<number> {
  return await withAccess(options, async access => {
    const timeout = options.timeout === undefined ? [] : [AbortSignal.timeout(options.timeout * 1000)]
    const last = await untilLeft(left => keepShowing(access, options, AbortSignal.any([left, ...timeout])))
    const brought = await new Luggage(access, options).take(last)
    print(options, { ...last, collected: brought }, broughtText(last, brought))
    const isOver = options.untilMayLeave ? last.mayLeave : last.complete
    return isOver || timeout.every(({ aborted }) => !aborted) ? exitCodes.done : exitCodes.incomplete
  })
}

/** Until all have ended, or the visitor leaves. */
async function keepShowing(access: Access, options: VisitOptions, left: AbortSignal): Promise<Visit> {
  const about = options.site === undefined ? {} : { site: options.site }
  const over = new AbortController()
  const changes = await access.changes(AbortSignal.any([left, over.signal]))
  const drawing = new Drawing()
  const luggage = new Luggage(access, options)
  try {
    for (let wait = options.wait; ; wait = 0) {
      const answer = await access.ask('visit', about, wait)
      if (!options.json) drawing.show(await textOf('visit', answer))
      // At once: a device may be switched off before the visitor leaves.
      await luggage.takeNew(answer)
      const enough = answer.complete || (options.untilMayLeave && answer.mayLeave)
      if (enough || left.aborted) return answer
      await changes.next(!options.json && drawing.isInPlace ? agesMs : undefined)
    }
  } finally {
    over.abort()
  }
}

/** What is taken home of the devices that are here. */
class Luggage {
  readonly #access: Access
  readonly #options: VisitOptions
  readonly #met = new Set<string>()

  constructor(access: Access, options: VisitOptions) {
    this.#access = access
    this.#options = options
  }

  async takeNew({ devices }: Visit): Promise<void> {
    const fresh = devices.filter(({ here, device }) => here && !this.#met.has(device)).map(({ device }) => device)
    for (const device of fresh) this.#met.add(device)
    await this.#collect(fresh)
  }

  async take({ devices }: Visit): Promise<Brought> {
    return await this.#collect(devices.filter(({ here }) => here).map(({ device }) => device))
  }

  async #collect(devices: string[]): Promise<Brought> {
    if (devices.length === 0) return []
    const result = await this.#access.order('collect', { devices })
    if (result === undefined) note(this.#options, 'The controller goes on with it.')
    return result?.collected ?? []
  }
}

type Brought = { device: string; history: number; logs: string[] }[]

function broughtText(last: Visit, brought: Brought): string {
  const logs = brought.flatMap(each => each.logs)
  const seen = last.devices.filter(({ lastSeen, seen }) => seen && lastSeen !== null).length
  const words = [
    `reports of ${seen} devices`,
    `histories of ${brought.length}`,
    ...(logs.length > 0 ? [`${logs.length} logs of failed activations`] : []),
  ]
  const files = logs.map(file => `  ${file}`)
  return [leaveText(last), `Taken along: ${words.join(', ')}.`, ...files].join('\n')
}
