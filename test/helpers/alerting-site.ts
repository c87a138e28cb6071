/** Some peers that send alerts, on one clock, whose reports reach all that live at once. */

import { Absences } from '../../node/alerts/absences.ts'
import { AlertBook } from '../../node/alerts/alert-book.ts'
import { lookMs } from '../../node/alerts/limits.ts'
import type { Notice } from '../../node/alerts/message.ts'
import { Notifier } from '../../node/alerts/notifier.ts'
import type { Table } from '../../node/state/database.ts'
import { alertExtensions, type ReportedAlert, type Silence } from '../../protocol/alerts/reported.ts'
import type { AlertChannel, Alerts } from '../../protocol/alerts/rules.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { ListedMember } from '../../protocol/report/gist.ts'
import type { Report } from '../../protocol/report/report.ts'
import { silentLogger } from './log.ts'
import { memoryTable } from './memory-table.ts'

type Listed = ListedMember & { readonly report?: { readonly hasAlerts: boolean } | undefined }

export const channels: Alerts['channels'] = {
  ops: { webhook: 'https://example.org/hook', private: false, by: { devices: ['hub-1', 'hub-2', 'hub-3'] } },
}
export const fullDisk: Alerts['rules'][number] = {
  ...{ name: 'disk-full', when: { metric: 'disk', above: 90, for: '5m' }, severity: 'warning', notify: ['ops'] },
  resolve: true,
}
export const began = Date.parse('2026-01-31T12:00:00Z')
export const since = began / 1000

export interface Hub {
  readonly name: string
  notifier: Notifier
  absences: Absences
  readonly book: AlertBook
  readonly table: Table
  isAlive: boolean
}

/** Hubs whose reports reach all that live, at once. */
export class Site {
  now = 0
  readonly sent: { by: string; notices: readonly Notice[] }[] = []
  readonly hubs: Hub[] = []
  readonly reports = new Map<string, Report>()
  /** What a channel does; by default it takes all. */
  take: (by: string, notices: readonly Notice[]) => Promise<void> = async () => {}
  readonly #devices: Release['devices'] = {}
  #alerts: Alerts

  constructor(rules: Alerts['rules'] = [fullDisk]) {
    this.#alerts = { channels, rules }
    for (const name of ['hub-1', 'hub-2', 'hub-3', 'sick']) this.#devices[name] = { config: 'web' }
  }

  set rules(rules: Alerts['rules']) {
    this.#alerts = { channels, rules }
  }

  set channels(channels: Alerts['channels']) {
    this.#alerts = { ...this.#alerts, channels }
  }

  get clock() {
    return { now: new Date(began + this.now) }
  }

  async add(...names: string[]): Promise<this> {
    for (const name of names) {
      const table = memoryTable()
      const book = await AlertBook.load(table)
      this.hubs.push({ name, book, table, isAlive: true, ...this.#parts(name, book) })
    }
    return this
  }

  async restart(hub: Hub): Promise<void> {
    const book = await AlertBook.load(hub.table)
    Object.assign(hub, { book, ...this.#parts(hub.name, book) })
    await hub.notifier.takeAll(0)
  }

  /** Controllers that send are called laptop-1 and so on. */
  get #laptops(): string[] {
    return this.hubs.flatMap(({ name }) => (isLaptop(name) ? [name] : []))
  }

  #parts(name: string, book: AlertBook) {
    const site = this
    const shared = {
      ...{ fleet: 'f', own: { peer: name, name }, directory: this.#directory, book },
      releaseOf: () => this.#release,
      clock: {
        get now() {
          return site.clock.now
        },
      },
      steady: () => this.now,
    }
    const send = async (_: AlertChannel, notices: readonly Notice[]) => {
      await this.take(name, notices)
      this.sent.push({ by: name, notices })
    }
    const controllers = isLaptop(name) && { controllers: () => this.#laptops }
    const notifier = new Notifier(
      { ...shared, ...controllers, silentNow: () => () => false, send, log: silentLogger },
      [],
    )
    notifier.on('told', () => void this.report(name, []))
    return { notifier, absences: new Absences({ ...shared, isConnected: () => false }) }
  }

  get #release(): Release {
    return { devices: this.#devices, extensions: { values: { alerts: this.#alerts as never }, critical: [] } } as never
  }

  get #directory() {
    const member = (peer: string) => {
      const role = isLaptop(peer) ? 'controller' : Object.hasOwn(this.#devices, peer) ? 'device' : undefined
      const report = this.reports.get(peer)
      return role && ({ peer, name: peer, role, report: report && { ...report, hasAlerts: true } } as Listed)
    }
    return {
      members: () =>
        [...new Set([...Object.keys(this.#devices), ...this.reports.keys()])].flatMap(peer => member(peer) ?? []),
      member,
      report: (peer: string) => {
        const document = this.reports.get(peer)
        return document && { document }
      },
    }
  }

  /** A device reports; all living hubs hear it. */
  async report(
    peer: string,
    alerts: readonly ReportedAlert[],
    said: readonly string[] = [],
    silences: readonly Silence[] = [],
  ) {
    const marks = [...(this.hubs.find(({ name }) => name === peer)?.notifier.marks ?? []), ...said]
    const counter = (this.reports.get(peer)?.counter ?? 0) + 1
    const at = this.clock.now.toISOString()
    const extensions = alertExtensions({ alerts, marks, silences })
    this.reports.set(peer, { peer, counter, at, extensions } as Report)
    for (const hub of this.hubs.filter(({ isAlive }) => isAlive)) {
      hub.absences.heard(peer)
      await hub.notifier.take(this.reports.get(peer) as Report)
    }
  }

  async pass(milliseconds: number, stepMs = milliseconds > 3_600_000 ? 60_000 : lookMs): Promise<void> {
    for (const end = this.now + milliseconds; this.now < end; this.now += stepMs) {
      for (const hub of this.hubs.filter(({ isAlive }) => isAlive)) {
        await hub.absences.look((device, release, notice) => hub.notifier.notice(device, release, notice))
        await hub.notifier.send()
      }
    }
  }

  get told(): string[] {
    return this.sent.flatMap(({ notices }) =>
      notices.map(({ device, rule, ended }) => `${device} ${rule.name} ${ended ? 'ended' : 'began'}`),
    )
  }
}

export const isLaptop = (name: string) => name.startsWith('laptop')
