/** The browsers that are signed in. Kept by the hash of their token, so that they outlive the controller and no file lets anybody in. */

import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { SerialQueue } from '../../node/concurrency/serial-queue.ts'
import { replaceFile } from '../../node/files/durable-file.ts'
import { jsonOf } from '../../protocol/encoding/json.ts'
import { ApiError } from '../api/api-error.ts'
import { hashOf } from './codes.ts'
import { maxSessions, noteUseMs, sessionIdleMs } from './limits.ts'

const tokenBytes = 32
const maxAgent = 300

const keptSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  began: z.int(),
  used: z.int(),
  /** What the browser calls itself. */
  agent: z.string().max(maxAgent),
})
const fileSchema = z.strictObject({ v: z.literal(1), sessions: z.array(keptSchema).max(maxSessions) })
export type PageSession = z.infer<typeof keptSchema>

export class PageSessions {
  readonly #file: string
  readonly #now: () => number
  readonly #writing = new SerialQueue()
  /** What ends with each session. */
  readonly #cuts = new Map<string, Set<() => void>>()
  readonly #listeners = new Set<(id: string) => void>()
  #sessions: PageSession[]

  private constructor(file: string, sessions: PageSession[], now: () => number) {
    this.#file = file
    this.#sessions = sessions
    this.#now = now
  }

  /** A file that is damaged signs everybody out, and nothing worse. */
  static async open(file: string, now: () => number = Date.now): Promise<PageSessions> {
    const text = await readFile(file, 'utf8').catch(() => '')
    const kept = fileSchema.safeParse(jsonOf(text)).data
    return new PageSessions(file, kept?.sessions ?? [], now)
  }

  /** Those that count, the last used first. */
  get all(): readonly PageSession[] {
    this.endIdle()
    return this.#sessions.toSorted((a, b) => b.used - a.used)
  }

  /** Ends those that were not used for too long. */
  endIdle(): void {
    const now = this.#now()
    // A clock that went back must not make one last for years.
    this.#keep(this.#sessions.filter(({ used }) => Math.abs(now - used) < sessionIdleMs))
  }

  /** A new one, with the token that its browser keeps. */
  async begin(agent: string): Promise<{ session: PageSession; token: string }> {
    const token = randomBytes(tokenBytes).toString('base64url')
    const now = this.#now()
    const session = {
      id: randomBytes(8).toString('hex'),
      hash: hashOf(token),
      began: now,
      used: now,
      agent: agent.slice(0, maxAgent),
    }
    this.#keep([session, ...this.all].slice(0, maxSessions))
    await this.#save()
    return { session, token }
  }

  /** The session of a request. Throws where there is none. */
  admit(authorization: string | undefined): PageSession {
    const token = /^Bearer ([\w-]{43})$/.exec(authorization ?? '')?.[1]
    const hash = token === undefined ? undefined : hashOf(token)
    const session = this.all.find(each => each.hash === hash)
    if (session === undefined) {
      throw new ApiError('no-token', 'expected a browser that is signed in, got one that is not', {
        hint: 'Open the page with `thymesh web`.',
      })
    }
    const now = this.#now()
    if (now - session.used < noteUseMs) return session
    const used = { ...session, used: now }
    this.#sessions = this.#sessions.map(each => (each.id === session.id ? used : each))
    void this.#save().catch(() => {})
    return used
  }

  /** Ends one, by its ID. Throws where there is none. */
  async end(id: string): Promise<void> {
    const left = this.all.filter(each => each.id !== id)
    if (left.length === this.#sessions.length) {
      throw new ApiError('unknown-session', `expected the ID of a browser that is signed in, got ${id}`, {
        hint: '`thymesh web sessions` lists them.',
      })
    }
    this.#keep(left)
    await this.#save()
  }

  /** Ends all, but one where its ID is given; gives the IDs of those that it has ended. */
  async endAll(but?: string): Promise<string[]> {
    const over = this.all.filter(({ id }) => id !== but).map(({ id }) => id)
    this.#keep(this.#sessions.filter(({ id }) => id === but))
    await this.#save()
    return over
  }

  /** Calls back with the ID of each session that ends, however it does. */
  onEnd(listener: (id: string) => void): void {
    this.#listeners.add(listener)
  }

  /** Calls `cut` when the session ends; gives what forgets it. */
  whenEnded(id: string, cut: () => void): () => void {
    const cuts = this.#cuts.get(id) ?? new Set()
    this.#cuts.set(id, cuts.add(cut))
    return () => {
      cuts.delete(cut)
      if (cuts.size === 0) this.#cuts.delete(id)
    }
  }

  /** Only these are left: what goes on for the others ends. */
  #keep(left: PageSession[]): void {
    const over = this.#sessions.filter(each => !left.some(({ id }) => id === each.id))
    this.#sessions = left
    for (const { id } of over) {
      for (const cut of [...(this.#cuts.get(id) ?? [])]) cut()
      for (const listener of this.#listeners) listener(id)
    }
  }

  async #save(): Promise<void> {
    const text = JSON.stringify({ v: 1, sessions: this.#sessions })
    await this.#writing.run(() => replaceFile(this.#file, `${text}\n`))
  }
}
