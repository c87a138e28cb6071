/**
 * What a peer keeps in memory of each member: what decisions and lists need of its certificate and of its last report. The
 * documents stay on disk. Numbers instead of texts, and one text or object for all members that have the same.
 */

import { LRUCache } from 'lru-cache'
import { timeText } from '../../../protocol/encoding/fields.ts'
import type { Certificate, Member } from '../../../protocol/members/certificate.ts'
import { tokenIdOfGrant } from '../../../protocol/members/join-token.ts'
import type { OpenedReport } from '../../../protocol/report/extended-report.ts'
import type { ReportGist } from '../../../protocol/report/gist.ts'
import type { DeviceState } from '../../../protocol/report/report.ts'
import { sharedStandings, sharedTexts } from '../limits.ts'

const shared = new LRUCache<string, string>({ maxSize: sharedTexts, sizeCalculation: () => 1 })

/** The text that members with the same one share. */
function same<T extends string | undefined>(text: T): T {
  if (text === undefined) return text
  const known = shared.get(text)
  if (known !== undefined) return known as T
  shared.set(text, text)
  return text
}

export class KnownMember implements Member {
  readonly peer: string
  readonly name: string
  readonly role: Certificate['role']
  readonly site: string | undefined
  readonly token: string | undefined
  /** The ID of the join token, if it alone vouches for the member. */
  readonly grant: string | undefined
  /** The last report; undefined while there is none. */
  report: KnownReport | undefined
  /** Seconds since 1970. */
  readonly #issued: number
  readonly #expires: number

  /** `peer`: the text that the rest of this process has of the peer ID; no part of a longer one, which it would hold. */
  constructor(peer: string, { name, role, site, token, grant, issued, expires }: Certificate) {
    this.peer = peer
    this.name = name
    this.role = same(role)
    this.site = same(site)
    this.token = same(token)
    this.grant = grant && same(tokenIdOfGrant(grant))
    this.report = undefined
    this.#issued = secondsOf(issued)
    this.#expires = secondsOf(expires)
  }

  get issued(): string {
    return textOf(this.#issued)
  }

  get expires(): string {
    return textOf(this.#expires)
  }

  hasExpired(now: Date): boolean {
    return this.#expires * 1000 <= now.getTime()
  }
}

/** What the reports of many members say alike: one object for all of them. */
interface Standing {
  readonly state: DeviceState
  readonly release: number | undefined
  readonly wanted: number | undefined
  readonly running: string | undefined
  /** Code of an error. */
  readonly error: string | undefined
  readonly hasAlerts: boolean
}

const standings = new LRUCache<string, Standing>({ maxSize: sharedStandings, sizeCalculation: () => 1 })

function sameStanding(standing: Standing): Standing {
  const { state, release, wanted, running, error, hasAlerts } = standing
  const key = JSON.stringify([state, release, wanted, running, error, hasAlerts])
  const known = standings.get(key)
  if (known !== undefined) return known
  const made = { ...standing, state: same(state), running: same(running), error: same(error) }
  standings.set(key, made)
  return made
}

export class KnownReport implements ReportGist {
  readonly counter: number
  /** The counter of the report of version 1 in it. */
  readonly plain: number
  readonly site: string | undefined
  readonly #standing: Standing
  /** Seconds since 1970; 0 without a time. */
  readonly #at: number
  readonly #since: number

  constructor({ document, plain }: OpenedReport) {
    const { counter, state, site, release, wanted, running, error, at, since, extensions = {} } = document
    const hasAlerts = ['alerts', 'told', 'silences'].some(name => Object.hasOwn(extensions, name))
    this.counter = counter
    this.plain = plain.counter
    this.site = same(site)
    this.#standing = sameStanding({ state, release, wanted, running, error: error?.code, hasAlerts })
    this.#at = at === undefined ? 0 : secondsOf(at)
    this.#since = since === undefined ? 0 : secondsOf(since)
  }

  get state(): DeviceState {
    return this.#standing.state
  }

  get release(): number | undefined {
    return this.#standing.release
  }

  get wanted(): number | undefined {
    return this.#standing.wanted
  }

  get running(): string | undefined {
    return this.#standing.running
  }

  get error(): { code: string } | undefined {
    return this.#standing.error === undefined ? undefined : { code: this.#standing.error }
  }

  /** Whether it has alerts, or marks and silences of them. */
  get hasAlerts(): boolean {
    return this.#standing.hasAlerts
  }

  get at(): string | undefined {
    return this.#at === 0 ? undefined : textOf(this.#at)
  }

  get since(): string | undefined {
    return this.#since === 0 ? undefined : textOf(this.#since)
  }
}

/** Rounded, V8 keeps it in its field; the result of a division would be an object of 16 bytes. */
function secondsOf(time: string): number {
  return Math.floor(Date.parse(time) / 1000)
}

function textOf(seconds: number): string {
  return timeText(new Date(seconds * 1000))
}
