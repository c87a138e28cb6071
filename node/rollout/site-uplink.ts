/**
 * Keeps the budget of a site's uplink, which a release names: bytes in a day, and windows. All devices of the site share
 * it by what each says in its reports that it holds of it; what is spent survives restarts.
 */

import type { Certificate, Member } from '../../protocol/members/certificate.ts'
import { type SiteUplink, uplinkOf } from '../../protocol/release/site-uplinks.ts'
import type { Report } from '../../protocol/report/report.ts'
import { dayOf, type SpentUplink, spentIn } from '../../protocol/report/spent-uplink.ts'
import type { AcceptedState } from '../state/fleet-state.ts'
import type { OwnState } from '../state/own-state.ts'
import { followed } from '../state/releases.ts'
import type { UplinkAllowance } from '../swarm/schedule/uplink-allowance.ts'
import { windowState } from './windows.ts'

export interface SiteUplinkComponents {
  readonly own: Pick<OwnState, 'uplink' | 'setUplink'>
  readonly certificate: () => Certificate
  readonly accepted: () => AcceptedState | undefined
  readonly members: () => readonly Pick<Member, 'peer' | 'role' | 'site'>[]
  readonly report: (peer: string) => Report | undefined
  /** Whether what comes from a peer does not use the uplink. */
  readonly isNear: (peer: string) => boolean
}

/** A power cut makes the device forget at most so many bytes of what it has spent. */
const keepEveryBytes = 256 * 1024
/** The length of a large chunk: less is not worth asking for. */
const leastBytes = 64 * 1024
/** How often more may be held: by then, the site's devices have heard of what we hold. */
const shareEveryMs = 10_000

/** What of a site's budget is used, as one peer knows it. */
export interface UplinkUse {
  readonly uplink: SiteUplink
  /** Bytes that the site's devices have spent today. */
  readonly spent: number
  /** Whether a window is open, and when the next one opens. */
  readonly open: boolean
  readonly opensAt: Date | undefined
}

export class SiteUplinkBudget implements UplinkAllowance {
  readonly least = leastBytes
  /** Called when what we hold is used up: with a report, more of what is free may be held. */
  onShareUsed = () => {}
  readonly #components: SiteUplinkComponents
  #day = ''
  #spent = 0
  /** What we may reach, as our last report says. */
  #holds = 0
  #keptBytes = 0
  #asksAt = 0
  #writes: Promise<unknown> = Promise.resolve()

  private constructor(components: SiteUplinkComponents) {
    this.#components = components
  }

  static async load(components: SiteUplinkComponents): Promise<SiteUplinkBudget> {
    const budget = new SiteUplinkBudget(components)
    const kept = await components.own.uplink()
    if (kept === undefined) return budget
    budget.#day = kept.day
    // What a power cut may have made us forget was spent.
    budget.#spent = kept.bytes + keepEveryBytes
    budget.#holds = budget.#spent
    return budget
  }

  async stop(): Promise<void> {
    await this.#writes
    // It is added again at the start.
    const bytes = Math.max(0, this.#spent - keepEveryBytes)
    if (this.#day !== '') await this.#components.own.setUplink({ day: this.#day, bytes })
  }

  counts(peer: string): boolean {
    return this.#uplink !== undefined && !this.#components.isNear(peer)
  }

  left(now: number): number {
    const uplink = this.#uplink
    if (uplink === undefined) return Number.POSITIVE_INFINITY
    const time = new Date(now)
    if (!windowState(uplink.windows ?? [], time).open) return 0
    if (uplink.bytesPerDay === undefined) return Number.POSITIVE_INFINITY
    this.#begin(dayOf(time))
    const left = Math.max(0, this.#holds - this.#spent)
    if (left < leastBytes && now >= this.#asksAt) {
      this.#asksAt = now + shareEveryMs
      setImmediate(() => this.onShareUsed())
    }
    return left
  }

  wakeAt(now: number): number {
    if (this.#uplink === undefined || this.left(now) >= leastBytes) return Number.POSITIVE_INFINITY
    return now + shareEveryMs
  }

  spend(bytes: number, now: number): void {
    this.#begin(dayOf(new Date(now)))
    this.#spent += bytes
    if (this.#spent - this.#keptBytes < keepEveryBytes) return
    this.#keptBytes = this.#spent
    const kept = { day: this.#day, bytes: this.#spent }
    this.#writes = this.#writes.then(() => this.#components.own.setUplink(kept)).catch(() => {})
  }

  /**
   * What the next report says, from which on we may use more, if we fetch: an equal part of what nobody holds. Undefined
   * without a budget.
   */
  tell(fetches: boolean, now: number): SpentUplink | undefined {
    const bytesPerDay = this.#uplink?.bytesPerDay
    if (bytesPerDay === undefined) return undefined
    const day = dayOf(new Date(now))
    this.#begin(day)
    const others = this.#others.map(report => onDay(spentIn(report ?? {}), day)?.holds ?? 0)
    const free = bytesPerDay - this.#spent - others.reduce((sum, holds) => sum + holds, 0)
    this.#holds = this.#spent + (fetches ? Math.max(0, Math.floor(free / (others.length + 1))) : 0)
    return { day, bytes: this.#spent, holds: this.#holds }
  }

  #begin(day: string): void {
    if (day === this.#day) return
    this.#day = day
    this.#spent = 0
    this.#holds = 0
    this.#keptBytes = 0
    this.#asksAt = 0
  }

  get #uplink(): SiteUplink | undefined {
    const { certificate, accepted } = this.#components
    const own = certificate()
    const release = followed(accepted(), own)
    return release && uplinkOf(release, own.site)
  }

  /** The last reports of the site's other devices. */
  get #others(): (Report | undefined)[] {
    const { certificate, members, report } = this.#components
    const { site, peer } = certificate()
    const others = members().filter(each => each.role === 'device' && each.site === site && each.peer !== peer)
    return others.map(each => report(each.peer))
  }
}

/** What a site has used of its uplink, by the reports of its devices. */
export function uplinkUse(uplink: SiteUplink, reports: readonly (Report | undefined)[], now: Date): UplinkUse {
  const day = dayOf(now)
  const spent = reports.reduce((sum, report) => sum + (onDay(spentIn(report ?? {}), day)?.bytes ?? 0), 0)
  const state = windowState(uplink.windows ?? [], now)
  return { uplink, spent, open: state.open, opensAt: state.open ? undefined : state.opensAt }
}

function onDay(spent: SpentUplink | undefined, day: string): SpentUplink | undefined {
  return spent?.day === day ? spent : undefined
}
