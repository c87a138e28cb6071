/** Limits uploads: a rate over all peers, and upload slots that are shared fairly. */

import { ByteRate } from '../../concurrency/byte-rate.ts'
import { FairPlaces, type Place, type Subject } from '../../concurrency/fair-places.ts'
import { idleUploadMs, uploadTurnMs } from '../limits.ts'

export interface UploadLimits {
  /** Bytes per second over all peers; unlimited if absent. */
  bytesPerSecond?: number | undefined
  /** Peers served at the same time: the upload slots. Others are asked to wait. */
  peers: number
}

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
  readonly #rate: ByteRate

  constructor({ peers, bytesPerSecond }: UploadLimits) {
    this.#places = new FairPlaces({ places: peers, idleMs: idleUploadMs, turnMs: uploadTurnMs })
    this.#rate = new ByteRate(bytesPerSecond)
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
    await this.#rate.take(bytes, signal)
  }
}
