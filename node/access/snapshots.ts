/** Takes small pictures of the device's screens at times, where its configuration says so: proof of what they have shown. */

import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { z } from 'zod'
import { nameSchema, timeText } from '../../protocol/encoding/fields.ts'
import { sha256Hex } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { Audited } from '../audit/log-keeper.ts'
import { unlessMissing } from '../files/missing.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from '../state/clock.ts'
import { snapshotLeastMinutes, snapshotLookMs, snapshotMostMinutes, snapshotMs, snapshotPlanBytes } from './limits.ts'
import { readLines } from './rfb-picture.ts'
import { screenSocket } from './screen-socket.ts'
import type { SnapshotBook } from './snapshot-book.ts'
import { SnapshotPicture } from './snapshot-picture.ts'

/** By the name of the screen. */
const planSchema = z
  .record(nameSchema, z.strictObject({ everyMinutes: z.int().min(snapshotLeastMinutes).max(snapshotMostMinutes) }))
  .refine(plan => Object.keys(plan).length <= limits.snapshotScreens, {
    error: `expected at most ${limits.snapshotScreens} screens`,
  })
type Plan = z.infer<typeof planSchema>

export interface SnapshotsComponents {
  readonly book: SnapshotBook
  readonly clock: Pick<Clock, 'now'>
  /** Writes the SHA-256 of each into the witnessed log. */
  readonly audited?: Audited | undefined
  readonly log: Logger
}

export interface SnapshotsInit {
  /** The folder of the screens' sockets. */
  readonly place: string
  /** The configuration's file: it may come and go with each update. */
  readonly plan: string
  /** Milliseconds between two looks at what is due; for tests. */
  readonly lookMs?: number
}

export class Snapshots {
  readonly #components: SnapshotsComponents
  readonly #init: SnapshotsInit
  /** When each screen was tried last with success, in milliseconds of a clock that only goes forward. */
  readonly #last = new Map<string, number>()
  readonly #stop = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()
  #complained: string | undefined

  constructor(components: SnapshotsComponents, init: SnapshotsInit) {
    this.#components = components
    this.#init = init
  }

  start(): void {
    const { lookMs = snapshotLookMs } = this.#init
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.look())
    }, lookMs).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort(new Error('the daemon stops'))
    await this.#looking
  }

  /** Takes what is due. Never rejects. */
  async look(): Promise<void> {
    for (const [screen, { everyMinutes }] of Object.entries(await this.#plan())) {
      if (this.#stop.signal.aborted) return
      try {
        if (await this.#isDue(screen, everyMinutes * 60_000)) await this.#take(screen)
      } catch (thrown) {
        // A screen that is off or busy: the next look tries it again.
        this.#components.log.debug({ screen, reason: messageOf(thrown) }, 'no snapshot of a screen')
      }
    }
  }

  async #plan(): Promise<Plan> {
    try {
      const text = await unlessMissing(readFile(this.#init.plan, 'utf8'))
      if (text === undefined) return {}
      if (text.length > snapshotPlanBytes) throw new RangeError(`expected at most ${snapshotPlanBytes} bytes`)
      return planSchema.parse(JSON.parse(text))
    } catch (thrown) {
      const reason = messageOf(thrown)
      if (reason !== this.#complained) this.#components.log.warn({ reason }, 'no snapshots: what says of which screens')
      this.#complained = reason
      return {}
    }
  }

  /** By time that has passed; and by the newest file, so that a daemon that starts again and again takes no more. */
  async #isDue(screen: string, everyMs: number): Promise<boolean> {
    const last = this.#last.get(screen)
    if (last !== undefined) return performance.now() - last >= everyMs
    const newest = (await this.#components.book.list()).find(kept => kept.screen === screen)
    const written = newest && (await this.#components.book.written(newest))
    const age = Date.now() - (written ?? 0)
    // What was written in the future was written by a wrong clock.
    return written === undefined || age >= everyMs || age < 0
  }

  async #take(screen: string): Promise<void> {
    const { book, clock, audited, log } = this.#components
    const path = await screenSocket(this.#init.place, screen)
    if (path === undefined) return
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(snapshotMs)])
    const socket = connect({ path }).on('error', () => {})
    try {
      const picture = new SnapshotPicture()
      await readLines(socket, picture, signal)
      const png = await picture.png()
      if (png === undefined) return
      const taken = clock.now && timeText(clock.now)
      await book.add(screen, taken, png)
      this.#last.set(screen, performance.now())
      log.debug({ screen, bytes: png.length }, 'a snapshot of a screen was taken')
      void audited?.('screen-snapshot', { screen, bytes: png.length, sha256: sha256Hex(png) })
    } finally {
      socket.destroy()
    }
  }
}
