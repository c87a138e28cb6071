/** One copy per site: assigns each chunk to one local peer, which fetches it over the uplink under a lease. */

import type { SchedulerLimits } from '../limits.ts'
import type { RankSet } from './rank-set.ts'
import { highestScoring, seedOf } from './rendezvous.ts'
import { average, median } from './scheduler-peer.ts'

/** A local peer that fetches the closure, including ourselves. */
export interface LeaseHolder {
  readonly id: string
  readonly seed: number
  /** Whether it had chunks of the closure before us, and so is probably fetching more. Undefined until checked. */
  ahead: boolean | undefined
  lapsed: boolean
  /** The number of chunks that it is to fetch. */
  owed: number
  /** When its lease started. */
  progressAt: number
  /** A running average of the time between its chunks; undefined before the second one. */
  gapMs: number | undefined
}

const nobody = -1

export class Leases {
  readonly #self: LeaseHolder
  #members: LeaseHolder[]
  readonly #limits: SchedulerLimits
  readonly #lengths: Uint32Array
  readonly #chunkAt: Uint32Array
  /** Ranks of the wanted chunks that only remote peers have. */
  readonly #absent: RankSet
  /** The index of the member that is to fetch each chunk. */
  readonly #owners: Int16Array
  #headStartUntil = Number.NEGATIVE_INFINITY
  #handedOverAt = Number.NEGATIVE_INFINITY

  constructor(
    self: string,
    tables: { absent: RankSet; chunkAt: Uint32Array; lengths: Uint32Array },
    limits: SchedulerLimits,
  ) {
    this.#self = newMember(self, 0)
    this.#members = [this.#self]
    this.#limits = limits
    this.#absent = tables.absent
    this.#chunkAt = tables.chunkAt
    this.#lengths = tables.lengths
    this.#owners = new Int16Array(tables.lengths.length).fill(nobody)
  }

  get members(): readonly LeaseHolder[] {
    return this.#members
  }

  /** Whether no other local peer fetches the closure. */
  get isAlone(): boolean {
    return this.#members.length === 1
  }

  isMine(chunk: number): boolean {
    return this.#owners[chunk] === 0
  }

  /** Adds a member. Chunks must be reassigned. */
  join(id: string, now: number): void {
    this.leave(id)
    this.#members.push(newMember(id, now))
  }

  /** Checks whether new members have chunks that we lack: those get a head start. */
  meet(isAhead: (id: string) => boolean, now: number): void {
    for (const member of this.#others()) {
      if (member.ahead !== undefined) continue
      member.ahead = isAhead(member.id)
      if (member.ahead) this.#headStartUntil = now + this.#limits.headStartMs
    }
  }

  /** Removes a member. Returns whether chunks must be reassigned. */
  leave(id: string): boolean {
    const before = this.#members.length
    this.#members = this.#members.filter(member => member === this.#self || member.id !== id)
    return this.#members.length !== before
  }

  /** Updates one chunk: `absent` if it has to come over the uplink. */
  place(chunk: number, absent: boolean, now: number): void {
    const owner = this.#owners[chunk] as number
    if (absent === (owner !== nobody)) return
    if (absent) this.#assign(chunk, highestScoring(chunk, this.#alive()) ?? this.#self, now)
    else {
      const member = this.#members[owner]
      if (member !== undefined) member.owed--
      this.#owners[chunk] = nobody
    }
  }

  /**
   * A member fetched a chunk that the site lacked. Returns whether chunks must be reassigned because it has
   * recovered.
   */
  progress(id: string | undefined, now: number): boolean {
    const member = id === undefined ? this.#self : this.#members.find(each => each.id === id)
    if (member === undefined) return false
    member.gapMs = average(member.gapMs, now - member.progressAt)
    member.progressAt = now
    const isBack = member.lapsed
    member.lapsed = false
    return isBack
  }

  /** We start waiting for chunks of our own. */
  startOwn(now: number): void {
    this.#self.progressAt = now
  }

  /** A new source connected: members without progress for lack of a source get a new lease. */
  restart(now: number): void {
    for (const member of this.#members) {
      member.lapsed = false
      member.progressAt = now
    }
  }

  /**
   * Expires leases. `waiting`: we are waiting for chunks over the uplink. Returns whether chunks must be reassigned.
   */
  check(now: number, waiting: boolean): boolean {
    let changed = false
    if (now >= this.#headStartUntil) {
      changed = Number.isFinite(this.#headStartUntil)
      this.#headStartUntil = Number.NEGATIVE_INFINITY
    }
    for (const member of this.#others()) {
      if (member.lapsed || member.owed === 0 || now < this.#lapsesAt(member, now, waiting)) continue
      member.lapsed = true
      changed = true
    }
    return changed
  }

  /** When the next lease may expire; Infinity if no member owes a chunk. */
  wakeAt(now: number, waiting: boolean): number {
    let at = Number.isFinite(this.#headStartUntil) ? this.#headStartUntil : Number.POSITIVE_INFINITY
    for (const member of this.#others()) {
      if (!member.lapsed && member.owed > 0) at = Math.min(at, this.#lapsesAt(member, now, waiting))
    }
    return at
  }

  #lapsesAt(member: LeaseHolder, now: number, waiting: boolean): number {
    // Our own wait is the reference: behind a slow uplink every member is slow but alive.
    const ourWait = Math.max(this.#self.gapMs ?? 0, waiting ? now - this.#self.progressAt : 0)
    const lease = Math.max(this.#limits.leaseMs, this.#limits.leaseWaits * Math.max(ourWait, member.gapMs ?? 0))
    return member.progressAt + lease
  }

  /** Reassigns every absent chunk. Costs a pass over them; only needed when members change. */
  reassign(now: number): void {
    const owedBefore = new Map(this.#members.map(member => [member, member.owed]))
    for (const member of this.#members) member.owed = 0
    const alive = this.#alive()
    const ahead = now < this.#headStartUntil ? alive.filter(member => member.ahead) : []
    const others = alive.filter(member => member !== this.#self)
    const fronts = new Map<LeaseHolder, number>()
    for (let rank = this.#absent.next(0); rank >= 0; rank = this.#absent.next(rank + 1)) {
      const chunk = this.#chunkAt[rank] as number
      let owner = highestScoring(chunk, alive) ?? this.#self
      if (ahead.length > 0) {
        const former = highestScoring(chunk, others)
        if (former?.ahead) {
          const front = (fronts.get(former) ?? 0) + (this.#lengths[chunk] as number)
          fronts.set(former, front)
          // It has probably requested its first window already, so our request would fetch a second copy.
          if (owner === this.#self && front <= this.#limits.windowBytes) owner = former
        }
      }
      this.#owners[chunk] = this.#members.indexOf(owner)
      owner.owed++
    }
    for (const member of this.#members) if (owedBefore.get(member) === 0) member.progressAt = now
  }

  /**
   * For an idle member: takes over a share of the later half of what a much slower member still owes. Other idle
   * members take the other shares, by rendezvous hashing among them. Returns whether any chunk was reassigned.
   */
  handOver(now: number): boolean {
    if (now < this.#handedOverAt + this.#limits.leaseMs) return false
    const usual = median(this.#alive().flatMap(member => member.gapMs ?? []))
    if (usual === undefined) return false
    const slow = this.#others().filter(member => {
      // Only its measured rate counts; silence is covered by its lease.
      const gap = member.gapMs ?? 0
      return member.owed > 1 && gap > usual * this.#limits.handOverFactor && gap * member.owed > this.#limits.leaseMs
    })
    if (slow.length === 0) return false
    this.#handedOverAt = now
    const idle = this.#alive().filter(member => member.owed === 0)
    const kept = new Map(slow.map(member => [this.#members.indexOf(member), Math.ceil(member.owed / 2)]))
    for (let rank = this.#absent.next(0); rank >= 0; rank = this.#absent.next(rank + 1)) {
      const chunk = this.#chunkAt[rank] as number
      const owner = this.#owners[chunk] as number
      const keeps = kept.get(owner)
      if (keeps === undefined) continue
      kept.set(owner, keeps - 1)
      if (keeps > 0) continue
      ;(this.#members[owner] as LeaseHolder).owed--
      this.#assign(chunk, highestScoring(chunk, idle) ?? this.#self, now)
    }
    return true
  }

  #assign(chunk: number, member: LeaseHolder, now: number): void {
    this.#owners[chunk] = this.#members.indexOf(member)
    if (member.owed === 0) member.progressAt = now
    member.owed++
  }

  #alive(): LeaseHolder[] {
    return this.#members.filter(member => !member.lapsed)
  }

  #others(): LeaseHolder[] {
    return this.#members.slice(1)
  }
}

function newMember(id: string, now: number): LeaseHolder {
  return { id, seed: seedOf(id), ahead: undefined, lapsed: false, owed: 0, progressAt: now, gapMs: undefined }
}
