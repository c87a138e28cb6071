/** A device's alerts about itself: looks at the rules of its release, and has what its reports say of them. */

import { EventEmitter } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { maxReportedAlerts, type ReportedAlert } from '../../protocol/alerts/reported.ts'
import type { AlertRule } from '../../protocol/alerts/rules.ts'
import { type Facts, find, forMs } from './conditions.ts'
import { endedDays } from './limits.ts'
import { flaps, lastingPhase, nextPhase, type Phase, quietPhase } from './phase.ts'

export interface OwnAlertsInit {
  /** The rules for this device. */
  rules(): readonly AlertRule[]
  facts(): Facts
  /** Seconds since 1970, for the times in reports. */
  seconds(): number
  /** Milliseconds of a steady clock. */
  steady(): number
}

interface Events {
  /** One has begun or ended. */
  changed: []
}

export class OwnAlerts extends EventEmitter<Events> {
  readonly #init: OwnAlertsInit
  readonly #phases = new Map<string, { readonly when: AlertRule['when']; readonly phase: Phase }>()
  #alerts: ReportedAlert[]

  /** `before` are the alerts of the last report, from before a restart. */
  constructor(init: OwnAlertsInit, before: readonly ReportedAlert[]) {
    super()
    this.#init = init
    this.#alerts = [...before]
  }

  /** What lasts, then what has ended, each the newest first. */
  get alerts(): readonly ReportedAlert[] {
    return this.#alerts
  }

  look(): void {
    const { rules, facts, steady } = this.#init
    const [known, now] = [facts(), steady()]
    const current = rules()
    let alerts = [...this.#alerts]
    for (const rule of current) {
      const lasting = alerts.find(({ rule: name, until }) => name === rule.name && until === undefined)
      const before = this.#phases.get(rule.name)
      const isSame = before !== undefined && isDeepStrictEqual(before.when, rule.when)
      const phase = isSame ? before.phase : lasting === undefined ? quietPhase : lastingPhase
      const { holds, value, unit } = find(rule.when, known, phase.firing)
      const next = nextPhase(phase, holds, forMs(rule.when), now)
      this.#phases.set(rule.name, { when: rule.when, phase: next })
      if (next.firing && lasting === undefined) {
        const since = this.#sinceFor(rule.name, alerts)
        const said = { ...(value !== undefined && { value }), ...(unit !== undefined && { unit }) }
        alerts.push({ rule: rule.name, since, ...said, ...(flaps(next) && { flaps: true }) })
      } else if (!next.firing && lasting !== undefined) {
        alerts = alerts.map(each => (each === lasting ? this.#ended(each) : each))
      }
    }
    // A rule that is gone ends its alerts.
    const names = new Set(current.map(({ name }) => name))
    for (const name of this.#phases.keys()) if (!names.has(name)) this.#phases.delete(name)
    alerts = alerts.map(each => (each.until === undefined && !names.has(each.rule) ? this.#ended(each) : each))
    this.#keep(alerts)
  }

  #keep(alerts: ReportedAlert[]): void {
    const oldest = this.#init.seconds() - endedDays * 86_400
    const order = ({ until, since }: ReportedAlert) =>
      (until === undefined ? Number.MAX_SAFE_INTEGER : until) + since / 2 ** 33
    const kept = alerts
      .filter(({ until }) => until === undefined || until > oldest)
      .sort((a, b) => order(b) - order(a))
      .slice(0, maxReportedAlerts)
    if (isDeepStrictEqual(kept, this.#alerts)) return
    this.#alerts = kept
    this.emit('changed')
  }

  #ended(alert: ReportedAlert): ReportedAlert {
    return { ...alert, until: Math.max(alert.since, this.#init.seconds()) }
  }

  /** Later than every one of the rule before, also where the clock was set back. */
  #sinceFor(rule: string, alerts: readonly ReportedAlert[]): number {
    const before = alerts.filter(each => each.rule === rule).map(({ since }) => since + 1)
    return Math.max(this.#init.seconds(), ...before)
  }
}
