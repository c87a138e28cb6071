/** Limits uploads: a rate over all peers, and upload slots that are shared fairly. */

import { setTimeout as sleep } from 'node:timers/promises'
import { FairPlaces, type Place, type Subject } from '../../concurrency/fair-places.ts'
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import { TokenBucket } from '../../concurrency/token-bucket.ts'
import { idleUploadMs, uploadTurnMs } from '../limits.ts'

export interface UploadLimits {
  /** Bytes per second over all peers; unlimited if absent. */
  bytesPerSecond?: number | undefined
  /** Peers served at the same time: the upload slots. Others are asked to wait. */
  peers: number
}

/** The token bucket holds a quarter of a second: smooth on slow links, negligible on fast ones. */
const bucketSeconds = 0.25

/** The upload slot of a peer, with what is called when it is taken back, by session. */
interface Slot {
  readonly place: Place
  readonly sessions: Map<symbol, () => void>
}

/** One session's part in the upload slot of its peer. */
export interface Upload {
  /** Records that the peer has taken a chunk. */
  sent(): void
  leave(): void
}

export class UploadLimiter {
  readonly #places: FairPlaces
  readonly #slots = new Map<string, Slot>()
  /** The bucket for the rate; undefined if it is unlimited. */
  readonly #bucket: TokenBucket | undefined
  /** Waiting uploads are served in order, so a peer with a long queue can't starve the others. */
  readonly #turns = new SerialQueue()

  constructor({ peers, bytesPerSecond: perSecond }: UploadLimits) {
    this.#places = new FairPlaces({ places: peers, idleMs: idleUploadMs, turnMs: uploadTurnMs })
    if (perSecond !== undefined) this.#bucket = new TokenBucket({ most: perSecond * bucketSeconds, perSecond })
  }

  /**
   * Takes an upload slot for a session of a peer; undefined if all are taken. `takeBack` is called when another peer
   * needs the slot.
   */
  enter(subject: Subject, takeBack: () => void): Upload | undefined {
    const slot = this.#slots.get(subject.peer) ?? this.#slotFor(subject)
    if (slot === undefined) return undefined
    const session = Symbol('session')
    slot.sessions.set(session, takeBack)
    return {
      sent: () => slot.place.touch(),
      leave: () => {
        if (!slot.sessions.delete(session) || slot.sessions.size > 0) return
        this.#slots.delete(subject.peer)
        slot.place.leave()
      },
    }
  }

  #slotFor(subject: Subject): Slot | undefined {
    const sessions: Slot['sessions'] = new Map()
    const place = this.#places.enter(subject, () => {
      this.#slots.delete(subject.peer)
      const ended = [...sessions.values()]
      sessions.clear()
      for (const takeBack of ended) takeBack()
    })
    if (place === undefined) return undefined
    const slot = { place, sessions }
    this.#slots.set(subject.peer, slot)
    return slot
  }

  /** Waits until `bytes` may be sent. Rejects with the signal's reason. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const bucket = this.#bucket
    if (bucket !== undefined) await this.#turns.run(() => draw(bucket, bytes, signal))
  }
}

async function draw(bucket: TokenBucket, bytes: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  // A chunk larger than the bucket leaves a debt, which the next one waits for.
  for (let ms = bucket.waitMs; ms > 0; ms = bucket.waitMs) await sleep(ms, undefined, signal ? { signal } : {})
  bucket.overdraw(bytes)
}
