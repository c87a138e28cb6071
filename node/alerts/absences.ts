/** Looks out for devices that nobody hears of, and notices when one is back. */

import { type AlertRule, rulesFor, spanSeconds } from '../../protocol/alerts/rules.ts'
import type { Member } from '../../protocol/members/certificate.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { ListedMember } from '../../protocol/report/gist.ts'
import type { AlertBook } from './alert-book.ts'
import type { Notice } from './message.ts'

export interface AbsencesComponents {
  readonly fleet: string
  readonly own: Pick<Member, 'peer'>
  readonly directory: {
    members(): readonly ListedMember[]
    member(peer: string): Pick<ListedMember, 'report'> | undefined
  }
  readonly isConnected: (peer: string) => boolean
  readonly releaseOf: (device: Member) => Release | undefined
  readonly book: AlertBook
  readonly clock: { readonly now: Date | undefined }
  /** Milliseconds of a steady clock. */
  readonly steady: () => number
}

export class Absences {
  readonly #components: AbsencesComponents
  /** When each peer was heard of last, on the steady clock. */
  readonly #heard = new Map<string, number>()
  readonly #began: number

  constructor(components: AbsencesComponents) {
    this.#components = components
    this.#began = components.steady()
  }

  heard(peer: string): void {
    this.#heard.set(peer, this.#components.steady())
  }

  /** For how long nobody has heard of a device, in milliseconds: not in this process, and as its last report says before it. */
  silence(peer: string): number {
    const { steady, clock, directory, isConnected, own } = this.#components
    if (peer === own.peer || isConnected(peer)) {
      this.heard(peer)
      return 0
    }
    const heard = this.#heard.get(peer)
    if (heard !== undefined) return steady() - heard
    const at = directory.member(peer)?.report?.at
    const since = clock.now !== undefined && at !== undefined ? clock.now.getTime() - Date.parse(at) : 0
    return Math.max(steady() - this.#began, since)
  }

  /** Whether a device of a name is silent for longer: for one look at many names, since an index of all would stay in memory. */
  silentFor(limitMs: number): (name: string) => boolean {
    const holders = new Map<string, string>()
    for (const { role, name, peer } of this.#components.directory.members()) {
      if (role === 'device' && !holders.has(name)) holders.set(name, peer)
    }
    return name => {
      const holder = holders.get(name)
      return holder === undefined || this.silence(holder) > limitMs
    }
  }

  /** What has begun and ended, for all devices that a rule is about. */
  async look(tell: (device: Member, release: Release, notice: Notice) => void): Promise<void> {
    const { directory, releaseOf, own, book } = this.#components
    for (const device of directory.members()) {
      if (device.role !== 'device' || device.peer === own.peer) continue
      const release = releaseOf(device)
      const rules = rulesFor(release, device.name).filter(({ when }) => 'absent' in when)
      if (release === undefined || rules.length === 0) continue
      const silence = this.silence(device.peer)
      for (const rule of rules) await this.#lookAt(device, release, rule, silence, tell)
    }
    const members = new Set(directory.members().map(({ peer }) => peer))
    for (const absence of [...book.absences]) if (!members.has(absence.peer)) await book.endAbsence(absence)
  }

  async #lookAt(
    device: Member,
    release: Release,
    rule: AlertRule,
    silence: number,
    tell: (device: Member, release: Release, notice: Notice) => void,
  ): Promise<void> {
    if (!('absent' in rule.when)) return
    const { book, directory, clock } = this.#components
    const { name, site, peer } = device
    const report = directory.member(peer)?.report
    const isAbsent = silence > spanSeconds(rule.when.absent) * 1000
    const before = book.absence(peer, rule.name)
    const about = { fleet: this.#components.fleet, device: name, site, peer, rule, late: false }
    if (isAbsent && before === undefined) {
      const at = report?.at === undefined ? null : Date.parse(report.at)
      await book.setAbsent({ peer, rule: rule.name, counter: report?.counter ?? 0, at })
    }
    if (isAbsent) {
      const absence = book.absence(peer, rule.name)
      if (absence === undefined) return
      const beganAt = absence.at === null ? undefined : new Date(absence.at)
      tell(device, release, { ...about, since: absence.counter, ended: false, beganAt, endedAt: undefined })
      return
    }
    if (before === undefined) return
    await book.endAbsence(before)
    const beganAt = before.at === null ? undefined : new Date(before.at)
    tell(device, release, { ...about, since: before.counter, ended: true, beganAt, endedAt: clock.now })
  }
}
