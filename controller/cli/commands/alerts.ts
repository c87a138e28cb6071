/** `thymesh alerts`: what is wrong in the fleet; silences and acknowledgements. */

import { HintedError } from '../../../protocol/errors.ts'
import { show, withAccess } from '../shell/access.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions, ReadOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface AlertsOptions extends ReadOptions {
  all: boolean
}

export async function alerts(options: AlertsOptions): Promise<undefined> {
  return await show('alerts', options, { all: options.all })
}

export interface SilenceOptions extends ProjectOptions {
  rule?: string
  device?: string
  /** Seconds. */
  for: number
  wait: number
}

export async function silence(options: SilenceOptions): Promise<undefined> {
  const { rule, device, wait } = options
  return await withAccess(options, async access => {
    const about = { ...(rule !== undefined && { rule }), ...(device !== undefined && { device }) }
    const done = await access.order('silence', { ...about, for: options.for, wait })
    if (done !== undefined) print(options, done, toldText(done))
    return undefined
  })
}

export interface AckOptions extends ProjectOptions {
  device: string
  rule: string
  wait: number
}

/** How long an acknowledgement is kept; the alert ends before, or it should be looked at again. */
const ackSeconds = 30 * 86_400

export async function acknowledge(options: AckOptions): Promise<undefined> {
  const { device, rule, wait } = options
  return await withAccess(options, async access => {
    const { alerts: all } = await access.ask('alerts', {}, Math.min(newsSeconds, wait))
    const found = all.find(each => each.device === device && each.rule === rule)
    if (found === undefined || found.id === null) {
      throw new HintedError('unknown-alert', `expected an alert ${rule} of ${device} that lasts, found none`, {
        hint: '`thymesh alerts` lists them. For a device that nobody hears of: thymesh alerts silence.',
      })
    }
    const done = await access.order('silence', { device, rule, since: found.id, for: ackSeconds, wait })
    if (done !== undefined) print(options, done, toldText(done))
    return undefined
  })
}

function toldText({ told, missed }: { told: readonly string[]; missed: readonly string[] }): string {
  const rest = missed.length === 0 ? '' : ` Not in reach: ${missed.join(', ')}.`
  return `Told ${told.join(', ')}.${rest}`
}
