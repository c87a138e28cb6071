/** What is wrong with rules that have the right form: they never end, flap, tell nobody or are about nobody. */

import { unitOf } from '../metrics/series.ts'
import type { Release } from '../release/release.ts'
import { type AlertRule, type Alerts, type Selector, selects, spanSeconds } from './rules.ts'

export interface RuleProblem {
  /** The place in `alerts.json`. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

type Devices = Release['devices']

/** A value that moves this much is noise: such a rule would begin and end all day. */
const leastCalmSeconds = 60

/** `devices` are those of the project; without them the selectors are not looked at. */
export function ruleProblems({ channels, rules }: Alerts, devices?: Devices): RuleProblem[] {
  const problems: RuleProblem[] = []
  const names = new Set<string>()
  for (const [at, rule] of rules.entries()) {
    const add = (key: string, message: string) => problems.push({ path: ['rules', at, key], message })
    if (names.has(rule.name)) add('name', `there are two rules ${rule.name}`)
    names.add(rule.name)
    // Without any channel, alerts are for those who look.
    if (rule.notify.length === 0 && Object.keys(channels).length > 0)
      add('notify', 'tells nobody: expected the name of a channel')
    for (const name of rule.notify) {
      if (!Object.hasOwn(channels, name)) add('notify', `expected one of the channels, got ${name}`)
    }
    for (const message of whenProblems(rule)) add('when', message)
    if (devices !== undefined && namesNobody(rule.on, devices))
      add('on', 'names nobody: no device of the project matches')
  }
  for (const [name, channel] of Object.entries(channels)) {
    if (devices !== undefined && !isForControllers(channel.by) && namesNobody(channel.by, devices)) {
      problems.push({ path: ['channels', name, 'by'], message: 'names nobody: no device of the project can send' })
    }
  }
  return problems
}

/** Empty lists are meant: no device sends, but controllers do (`thymesh serve --alerts`). */
function isForControllers(by: Selector | undefined): boolean {
  const lists = Object.values(by ?? {})
  return lists.length > 0 && lists.every(names => names.length === 0)
}

function namesNobody(selector: Selector | undefined, devices: Devices): boolean {
  const all = Object.entries(devices)
  return all.length > 0 && !all.some(([name, device]) => selects(selector, name, device))
}

function* whenProblems({ when, resolve }: AlertRule): Generator<string> {
  if (!('metric' in when)) {
    if ('wear' in when && resolve) yield 'never ends: wear only grows; set "resolve" to false'
    return
  }
  const { metric, above, below, clear } = when
  const isPercent = unitOf(metric) === 'percent'
  const [least, most] =
    isPercent || metric === 'under-voltage' ? [0, metric === 'under-voltage' ? 1 : 100] : [undefined, undefined]
  if (most !== undefined && above !== undefined && above >= most) yield `never begins: ${metric} is at most ${most}`
  if (least !== undefined && below !== undefined && below <= least) yield `never begins: ${metric} is at least ${least}`
  if (above !== undefined && clear !== undefined && clear > above) yield 'flaps: "clear" must not be above "above"'
  if (below !== undefined && clear !== undefined && clear < below) yield 'flaps: "clear" must not be below "below"'
  if (least !== undefined && above !== undefined && (clear ?? above) < least)
    yield `never ends: ${metric} is at least ${least}`
  if (most !== undefined && below !== undefined && (clear ?? below) > most)
    yield `never ends: ${metric} is at most ${most}`
  if (metric === 'wear' && above !== undefined && resolve) yield 'never ends: wear only grows; set "resolve" to false'
  if (metric === 'uptime' && above !== undefined && resolve)
    yield 'never ends: uptime only grows; set "resolve" to false'
  const isCalm = when.for !== undefined && spanSeconds(when.for) >= leastCalmSeconds
  const restless = metric !== 'wear' && metric !== 'uptime' && metric !== 'under-voltage'
  if (restless && !isCalm && clear === undefined) {
    yield 'flaps: expected "for" of at least 60s, or a "clear" away from the bound'
  }
}
