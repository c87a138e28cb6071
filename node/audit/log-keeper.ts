/** Writes a device's witnessed log: what its parts tell it, its starts and the jumps of its clock, at a bounded rate. */

import { type LogEntry, logEntryCodec } from '../../protocol/audit/log-entry.ts'
import { type LogHead, signHead } from '../../protocol/audit/log-head.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { visible } from '../../protocol/encoding/visible.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { Signer } from '../../protocol/signing/keys.ts'
import { TokenBucket } from '../concurrency/token-bucket.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from '../state/clock.ts'
import {
  clockJumpMs,
  clockLookMs,
  entriesPerKind,
  entriesPerKindPerSecond,
  refusalsPerKindPerSecond,
  tellMs,
} from './limits.ts'
import type { WitnessedLog } from './witnessed-log.ts'

/** What is known about an event; what is undefined is left out. */
export type About = Readonly<Record<string, string | number | undefined>>

/** Tells the log what happened. Resolves when that is on disk; never rejects. */
export type Audited = (what: string, about: About) => Promise<void>

export interface LogKeeperComponents {
  readonly witnessed: WitnessedLog
  readonly fleet: string
  readonly signer: Signer
  readonly clock: Pick<Clock, 'now'>
  readonly log: Logger
}

export interface LogKeeperInit {
  /** Reports now, where no report has told of the newest entries for a while. */
  readonly report: () => void
  /** Milliseconds of a clock that only goes forward, and of the system's; for tests. */
  readonly monotonic?: () => number
  readonly system?: () => number
}

export class LogKeeper {
  readonly #components: LogKeeperComponents
  readonly #init: LogKeeperInit
  readonly #kinds = new Map<string, { readonly bucket: TokenBucket; skipped: number }>()
  #head: LogHead | undefined
  /** The size of the last head that was given to a report. */
  #told = 0
  #tell: NodeJS.Timeout | undefined
  #look: NodeJS.Timeout | undefined
  #clocks: readonly [monotonic: number, system: number] | undefined
  #stopped = false

  constructor(components: LogKeeperComponents, init: LogKeeperInit) {
    this.#components = components
    this.#init = init
  }

  start(): void {
    this.lookAtClock()
    this.#look = setInterval(() => this.lookAtClock(), clockLookMs).unref()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#tell)
    clearInterval(this.#look)
    await this.#components.witnessed.stop()
  }

  /** The signed head of what is on disk, for the next report; undefined while there is nothing. */
  get head(): LogHead | undefined {
    const { witnessed, fleet, signer } = this.#components
    const { size, root } = witnessed.head
    if (size === 0) return undefined
    if (this.#head?.size !== size) this.#head = signHead(fleet, { size, root }, signer)
    this.#told = size
    return this.#head
  }

  readonly audited: Audited = async (what, about) => {
    const kind = this.#kinds.get(what) ?? { bucket: newBucket(what, this.#init.monotonic), skipped: 0 }
    this.#kinds.set(what, kind)
    if (!kind.bucket.take()) {
      kind.skipped++
      return
    }
    const { skipped } = kind
    kind.skipped = 0
    const entry = this.#entry(what, { ...about, ...(skipped > 0 && { 'more-before': skipped }) })
    await this.#write(this.#components.witnessed.append(entry))
  }

  /** What is written down once, and again when it is something else. Resolves when it is. Never rejects. */
  async state(what: string, about: About): Promise<void> {
    await this.#write(this.#components.witnessed.appendNews(this.#entry(what, about)))
  }

  /** Compares the system's clock with the time that has passed. */
  lookAtClock(): void {
    const { monotonic = () => performance.now(), system = () => Date.now() } = this.#init
    const now = [monotonic(), system()] as const
    const before = this.#clocks
    this.#clocks = now
    if (before === undefined) return
    const jump = now[1] - before[1] - (now[0] - before[0])
    if (Math.abs(jump) >= clockJumpMs) void this.audited('clock-jumped', { seconds: Math.round(jump / 1000) })
  }

  #entry(what: string, about: About): LogEntry {
    const { now } = this.#components.clock
    const entries = Object.entries(about).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, visible(String(value), limits.auditText)] as const],
    )
    return { v: 1, ...(now && { at: timeText(now) }), what, about: bounded(Object.fromEntries(entries)) }
  }

  async #write(written: Promise<unknown>): Promise<void> {
    try {
      await written
      if (!this.#stopped) this.#tell ??= setTimeout(() => this.#tellNow(), tellMs).unref()
    } catch (thrown) {
      this.#components.log.error({ reason: messageOf(thrown) }, 'the witnessed log was not written')
    }
  }

  #tellNow(): void {
    this.#tell = undefined
    if (this.#components.witnessed.head.size > this.#told) this.#init.report()
  }
}

function newBucket(what: string, now?: () => number): TokenBucket {
  const perSecond = what.endsWith('-refused') ? refusalsPerKindPerSecond : entriesPerKindPerSecond
  return new TokenBucket({ most: entriesPerKind, perSecond, ...(now && { now }) })
}

/** An entry holds 1 KiB: of several long fields, each gets less. */
function bounded(about: Record<string, string>): Record<string, string> {
  let [fitting, most]: [Record<string, string>, number] = [about, limits.auditText]
  while (most > 8 && !fits(fitting)) {
    most = Math.floor(most / 2)
    fitting = Object.fromEntries(Object.entries(about).map(([name, value]) => [name, value.slice(0, most)]))
  }
  return fitting
}

function fits(about: Record<string, string>): boolean {
  try {
    logEntryCodec.encode({ v: 1, at: '2026-01-01T00:00:00Z', what: 'a'.repeat(63), about })
    return true
  } catch {
    return false
  }
}
