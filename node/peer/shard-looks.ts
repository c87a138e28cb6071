/** Fetches documents that are missing until they are here: what nobody in reach has is asked for ever more rarely. */

import { toHex } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import type { Documents } from '../mesh/exchange/documents.ts'
import type { Admission } from '../mesh/peers/admission.ts'
import type { Logger } from '../process/log.ts'
import type { FleetState } from '../state/fleet-state.ts'
import {
  shardFetches,
  shardFetchMs,
  shardQuietMs,
  shardRetryFirstMs,
  shardRetryLastMs,
  shardsInVain,
} from './limits.ts'

/** A document that is missing, with the most bytes that it may have. */
export interface Missing {
  readonly hash: Uint8Array
  readonly maxBytes: number
}

/** Documents of one author. */
export interface MissingGroup {
  readonly documents: readonly Missing[]
  /** Hears of each that came. */
  readonly came?: ((bytes: Uint8Array) => void) | undefined
}

/** What is looked for. */
export interface Looked {
  /** The manifests that it is about, SHA-256 in hex: where they are others, all is asked for anew. */
  readonly manifests: () => readonly string[]
  /** What is missing. No group waits for another, nor is one given up for what another asks in vain. */
  readonly missing: () => Promise<readonly MissingGroup[]>
  /** Takes what came. */
  readonly take: () => Promise<void>
}

export interface ShardLooksComponents {
  readonly state: Pick<FleetState, 'document' | 'keepDocument'>
  readonly documents: Pick<Documents, 'fetch'>
  readonly admission: Pick<Admission, 'members'>
  readonly log: Pick<Logger, 'debug' | 'info'>
}

export class ShardLooks {
  readonly #components: ShardLooksComponents
  readonly #looked: Looked
  readonly #stop = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #due = Number.POSITIVE_INFINITY
  #retryMs = shardRetryFirstMs
  /** When all is asked for again; other news doesn't put it off. */
  #retryAt = Number.POSITIVE_INFINITY
  #running: Promise<void> | undefined
  /** Somebody asked for a look while one was under way. */
  #again = false
  /** The manifests that the last look was about. */
  #subjects = ''
  /** Documents, SHA-256 in hex, that nobody in reach had: asked for again after a time, or where somebody comes who was not asked. */
  readonly #inVain = new Set<string>()
  /** Neighbours that were there when something was asked for in vain. */
  readonly #asked = new Set<string>()

  constructor(components: ShardLooksComponents, looked: Looked) {
    this.#components = components
    this.#looked = looked
  }

  onNews(): void {
    const subjects = this.#looked.manifests().join()
    if (subjects !== this.#subjects) {
      this.#subjects = subjects
      this.#retryMs = shardRetryFirstMs
      this.#forgetVain()
    }
    this.#lookIn(shardQuietMs)
  }

  onNeighbour(peer: string): void {
    if (this.#asked.has(peer)) return
    this.#inVain.clear()
    this.#lookIn(shardQuietMs)
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    clearTimeout(this.#timer)
    await this.#running
  }

  /** Looks after so long; without a sharded release that costs nothing. */
  #lookIn(milliseconds: number): void {
    const due = performance.now() + milliseconds
    if (this.#stop.signal.aborted || this.#looked.manifests().length === 0 || this.#due <= due) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => {
      this.#due = Number.POSITIVE_INFINITY
      if (performance.now() >= this.#retryAt) this.#forgetVain()
      this.#begin()
    }, milliseconds)
  }

  #begin(): void {
    this.#again = this.#running !== undefined
    this.#running ??= this.#look().finally(() => {
      this.#running = undefined
      if (this.#again) this.#lookIn(shardQuietMs)
    })
  }

  #forgetVain(): void {
    this.#inVain.clear()
    this.#asked.clear()
    this.#retryAt = Number.POSITIVE_INFINITY
  }

  /** What wasn't asked for in vain of what is missing. */
  async #wanted(): Promise<readonly MissingGroup[]> {
    const isNew = ({ hash }: Missing) => !this.#inVain.has(toHex(hash))
    const groups = (await this.#looked.missing()).map(each => ({ ...each, documents: each.documents.filter(isNew) }))
    return groups.filter(({ documents }) => documents.length > 0)
  }

  /** Never rejects. What doesn't come is asked for again, ever more rarely. */
  async #look(): Promise<void> {
    const { admission, log } = this.#components
    try {
      for (let wanted = await this.#wanted(); wanted.length > 0; wanted = await this.#wanted()) {
        const of = wanted.reduce((sum, { documents }) => sum + documents.length, 0)
        const came = (await Promise.all(wanted.map(each => this.#fetchAll(each)))).reduce((sum, each) => sum + each, 0)
        if (came > 0) await this.#looked.take()
        log[came === of ? 'info' : 'debug']({ came, of }, 'shards of the release were fetched')
        if (came === of) continue
        for (const { peer } of admission.members) this.#asked.add(peer.toString())
        if (came > 0) this.#retryMs = shardRetryFirstMs
        this.#retryAt = performance.now() + this.#retryMs
        this.#lookIn(this.#retryMs)
        this.#retryMs = Math.min(shardRetryLastMs, this.#retryMs * 2)
        return
      }
      if (Number.isFinite(this.#retryAt)) this.#lookIn(Math.max(0, this.#retryAt - performance.now()))
    } catch (thrown) {
      if (this.#stop.signal.aborted) return
      log.debug({ reason: messageOf(thrown) }, 'the shards of the release were not taken')
      this.#lookIn(shardRetryLastMs)
    }
  }

  /** Resolves to how many came. */
  async #fetchAll({ documents, came: onCame }: MissingGroup): Promise<number> {
    // In another order each time: where the first ones are in vain, others may come.
    const left = documents.toSorted(() => Math.random() - 0.5)
    let came = 0
    let inVain = 0
    const work = async () => {
      for (let next = left.pop(); next !== undefined && !this.#stop.signal.aborted; next = left.pop()) {
        const bytes = inVain < shardsInVain ? await this.#fetch(next) : undefined
        inVain = bytes === undefined ? inVain + 1 : 0
        if (bytes === undefined) this.#inVain.add(toHex(next.hash))
        else {
          came++
          onCame?.(bytes)
        }
      }
    }
    await Promise.all(Array.from({ length: shardFetches }, work))
    return came
  }

  async #fetch({ hash, maxBytes }: Missing): Promise<Uint8Array | undefined> {
    const { state, documents, log } = this.#components
    try {
      // It may have come in a bundle, or with an older release.
      const here = await state.document(hash)
      if (here !== undefined) return here
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(shardFetchMs)])
      const bytes = await documents.fetch(hash, undefined, signal, maxBytes)
      await state.keepDocument(bytes)
      return bytes
    } catch (thrown) {
      log.debug({ reason: messageOf(thrown) }, 'a shard of the release did not come')
      return undefined
    }
  }
}
