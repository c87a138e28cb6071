/** The closures that are open on this peer: those that it fetches, and a few that it serves, shared fairly. */

import { EventEmitter } from 'node:events'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { FairPlaces, type Place, type Sharing, type Subject } from '../../concurrency/fair-places.ts'
import type { Logger } from '../../process/log.ts'
import type { ChunkChanges } from '../chunks/chunk-store.ts'
import type { KnownClosure } from '../chunks/closures.ts'
import type { BaseFinder } from '../delta/base-finder.ts'
import { closureTurnMs, idleClosureMs, idleSwarmMs, servedClosures } from '../limits.ts'
import type { UplinkAllowance } from '../schedule/uplink-allowance.ts'
import type { LocalChunks } from '../staging/local-chunks.ts'
import type { StagingBudget } from '../staging/staging-budget.ts'
import type { SwarmPeer } from './arrival.ts'
import { ClosureSwarm } from './closure-swarm.ts'

/** The local chunks of a closure, and a way to close the files behind them. */
export interface OpenChunks {
  readonly chunks: LocalChunks
  /** Finds delta bases for requested chunks. */
  readonly finder?: BaseFinder
  /** The budget for its staged chunks. */
  readonly budget: StagingBudget
  close(): Promise<void>
}

export interface OpenSwarm extends OpenChunks {
  readonly swarm: ClosureSwarm
  readonly hash: Uint8Array
}

/** A closure's entry: being opened, then open. */
interface Slot {
  readonly made: Promise<OpenSwarm>
  readonly place: Place
  entry?: OpenSwarm
  /** When it was last requested, in milliseconds: by anyone, and by ourselves. */
  usedAt: number
  ownUsedAt: number
  askedBy: Subject
}

interface Events {
  /** A peer violated the protocol. */
  misbehaved: [SwarmPeer, string]
}

export interface OpenSwarmsComponents {
  /** Opens the local chunks of a closure. */
  openChunks: (known: KnownClosure, changes: ChunkChanges) => Promise<OpenChunks>
  /** Bounds what comes over the uplink. */
  uplink?: UplinkAllowance | undefined
  log: Logger
}

export class OpenSwarms extends EventEmitter<Events> {
  readonly #components: OpenSwarmsComponents
  readonly #own: Subject
  readonly #slots = new Map<string, Slot>()
  readonly #closing = new Map<string, Promise<void>>()
  readonly #places = new FairPlaces({
    places: servedClosures,
    idleMs: idleClosureMs,
    turnMs: closureTurnMs,
    now: Date.now,
  })

  constructor(components: OpenSwarmsComponents, { self }: { self: string }) {
    super()
    this.#components = components
    this.#own = { peer: self, group: self, own: true }
  }

  async stop(): Promise<void> {
    await Promise.allSettled([...this.#slots.values()].map(({ made }) => made))
    for (const [key, slot] of this.#slots) this.#close(key, slot)
    await Promise.all(this.#closing.values())
  }

  /** All that are open. */
  get all(): OpenSwarm[] {
    return [...this.#slots.values()].flatMap(({ entry }) => entry ?? [])
  }

  /** Whether this peer or another one fetches a closure that is open, or is being opened. */
  get isWanted(): boolean {
    return [...this.#slots.values()].some(({ entry }) => entry === undefined || entry.swarm.isWanted)
  }

  /** Whether a swarm is still the open one of its closure. */
  has({ hash, swarm }: OpenSwarm): boolean {
    return this.#slots.get(toHex(hash))?.entry?.swarm === swarm
  }

  /** The swarm of a closure for ourselves, opened if necessary. Rejects if its chunks can't be searched. */
  open(known: KnownClosure): Promise<OpenSwarm> {
    const claim = () => this.#places.claim(this.#own, ...this.#holding(known.hash))
    return this.opened(known.hash) ?? this.#add(known, this.#own, claim()).made
  }

  /** The swarm of a closure for ourselves if it is open, or is being opened. */
  opened(hash: Uint8Array): Promise<OpenSwarm> | undefined {
    return this.#asked(hash, this.#own)
  }

  /** The swarm of a closure for another peer if it is open, or is being opened. */
  served(hash: Uint8Array, by: Subject): Promise<OpenSwarm> | undefined {
    return this.#asked(hash, by)
  }

  /** The swarm of a closure for another peer, opened if necessary; undefined if the peer has no share left. */
  serve(known: KnownClosure, by: Subject): Promise<OpenSwarm> | undefined {
    const open = this.served(known.hash, by)
    if (open !== undefined) return open
    const place = this.#places.enter(by, ...this.#holding(known.hash))
    return place && this.#add(known, by, place).made
  }

  /** Closes what nobody has used since `before`, in milliseconds. */
  closeUnused(before: number): void {
    for (const [key, slot] of this.#slots) {
      const { entry } = slot
      if (entry === undefined || entry.swarm.fetching || entry.swarm.sessionCount > 0) continue
      if (Math.max(slot.usedAt, entry.swarm.usedAt) < before) this.#close(key, slot)
    }
  }

  #asked(hash: Uint8Array, by: Subject): Promise<OpenSwarm> | undefined {
    const slot = this.#slots.get(toHex(hash))
    if (slot === undefined) return undefined
    slot.usedAt = Date.now()
    if (by === this.#own) slot.ownUsedAt = slot.usedAt
    slot.askedBy = by
    return slot.made
  }

  /** How a closure holds its place: it is closed when another one needs it more. */
  #holding(hash: Uint8Array): [takeBack: () => void, sharing: Sharing] {
    const key = toHex(hash)
    const slot = () => this.#slots.get(key)
    const takeBack = () => {
      const taken = slot()
      this.#components.log.debug({ closure: key }, 'a closure makes room for another one')
      if (taken !== undefined) this.#close(key, taken)
    }
    return [
      takeBack,
      { subjects: () => this.#usersOf(slot()), usedAt: () => slot()?.entry?.swarm.usedAt ?? Date.now() },
    ]
  }

  #usersOf(slot: Slot | undefined): readonly Subject[] {
    const { entry, ownUsedAt = 0, usedAt = 0, askedBy } = slot ?? {}
    const now = Date.now()
    // One that is being opened can't be closed yet.
    if (entry === undefined || entry.swarm.fetching || ownUsedAt > now - idleSwarmMs) return [this.#own]
    const { subjects } = entry.swarm
    const handshaking = subjects.length === 0 && askedBy !== undefined && usedAt > now - idleClosureMs
    return handshaking ? [askedBy] : subjects
  }

  #add(known: KnownClosure, askedBy: Subject, place: Place): Slot {
    const key = toHex(known.hash)
    const usedAt = Date.now()
    const slot: Slot = {
      made: this.#make(known, key),
      place,
      usedAt,
      askedBy,
      ownUsedAt: askedBy === this.#own ? usedAt : 0,
    }
    this.#slots.set(key, slot)
    slot.made.then(
      entry => {
        slot.entry = entry
      },
      () => {
        this.#slots.delete(key)
        place.leave()
      },
    )
    return slot
  }

  /** In one tick, so that no caller receives a swarm that is being closed. */
  #close(key: string, { entry, place }: Slot): void {
    if (entry === undefined) return
    this.#slots.delete(key)
    place.leave()
    entry.swarm.close()
    const closing = entry.close().catch((thrown: unknown) => {
      this.#components.log.warn({ reason: messageOf(thrown) }, 'the chunks of a closure were not closed')
    })
    this.#closing.set(key, closing)
    void closing.finally(() => this.#closing.delete(key))
  }

  async #make(known: KnownClosure, key: string): Promise<OpenSwarm> {
    const { log, uplink } = this.#components
    // Otherwise both would use the same files.
    await this.#closing.get(key)
    let swarm: ClosureSwarm | undefined
    const opened = await this.#components.openChunks(known, {
      onFound: numbers => swarm?.found(numbers),
      onLost: numbers => {
        log.debug({ chunks: numbers.length }, 'local chunks have vanished')
        swarm?.lost(numbers)
      },
    })
    const { chunks } = opened
    swarm = new ClosureSwarm({ list: known.list, chunks, uplink, log }, { self: this.#own.peer })
    swarm.on('misbehaved', (peer, reason) => this.emit('misbehaved', peer, reason))
    return { ...opened, swarm, hash: known.hash }
  }
}
