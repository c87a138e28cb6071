/** Places that subjects share fairly: the group that has the most gives one back when a subject with fewer waits. */

import type { AbortRace } from './abort-race.ts'

/** The holder of a place. */
export interface Subject {
  readonly peer: string
  /** Peers of one group share one part, such as all peers of a join token. A peer alone is a group of its own. */
  readonly group: string
  /** Its first place is taken from any other subject if necessary: an operator must get through a crowd. */
  readonly first?: boolean
  /** Nothing is ever taken from it: this process itself. */
  readonly own?: boolean
}

export interface FairPlacesInit {
  places: number
  /** Places that one peer may hold or wait for. */
  perPeer?: number
  /** A place without progress for this long is idle: it is taken back for any subject that has fewer. */
  idleMs: number
  /** A place that is older than this is taken back for a subject that has at least two fewer. */
  turnMs: number
  /** Milliseconds; for tests. */
  now?: () => number
}

/** A place that several subjects may use at a time. */
export interface Sharing {
  /** The current users. A place without any is free for all. */
  subjects(): readonly Subject[]
  /** When it was last used, in milliseconds of the clock of `FairPlacesInit`. */
  usedAt(): number
}

export interface Place {
  /** Records progress: the place isn't idle. */
  touch(): void
  /** Works for the subject: meanwhile the place isn't idle. */
  during<T>(work: Promise<T>): Promise<T>
  /** Gives the place back; later calls have no effect. */
  leave(): void
}

interface Held extends Sharing {
  readonly since: number
  readonly takeBack: () => void
}

interface Waiting {
  readonly subject: Subject
  readonly takeBack: () => void
  readonly granted: PromiseWithResolvers<Place>
}

/** Room for one more: a place that is free, or one that is taken back. */
interface Room {
  readonly evicted?: Held
}

/** Places by group and by peer. */
interface Counts {
  readonly groups: ReadonlyMap<string, number>
  readonly peers: ReadonlyMap<string, number>
}

export class FairPlaces {
  readonly #init: FairPlacesInit
  readonly #now: () => number
  readonly #held = new Set<Held>()
  readonly #waiting = new Set<Waiting>()
  #timer: NodeJS.Timeout | undefined

  constructor(init: FairPlacesInit) {
    this.#init = init
    this.#now = init.now ?? (() => performance.now())
  }

  get taken(): number {
    return this.#held.size
  }

  /**
   * Takes a place now, if necessary from another subject, whose `takeBack` is called. Undefined if no place is due to
   * this subject.
   */
  enter(subject: Subject, takeBack: () => void, sharing?: Sharing): Place | undefined {
    const room = this.#isBeyond(subject) ? undefined : this.#roomFor(subject)
    return room && this.#grant(subject, takeBack, room, sharing)
  }

  /** Takes a place even if that is one too many. */
  claim(subject: Subject, takeBack: () => void, sharing?: Sharing): Place {
    return this.#grant(subject, takeBack, {}, sharing)
  }

  /**
   * Waits for a place. Undefined at once if this peer holds and waits for as many as it may; rejects with the reason of
   * the race's signal.
   */
  async wait(subject: Subject, takeBack: () => void, race: AbortRace): Promise<Place | undefined> {
    race.throwIfAborted()
    if (this.#isBeyond(subject)) return undefined
    const place = this.enter(subject, takeBack)
    if (place !== undefined) return place
    const waiting: Waiting = { subject, takeBack, granted: Promise.withResolvers() }
    this.#waiting.add(waiting)
    this.#arm()
    try {
      return await race.wait(waiting.granted.promise)
    } catch (thrown) {
      // If it isn't in the queue any more, its place was granted after the signal.
      if (!this.#waiting.delete(waiting)) void waiting.granted.promise.then(granted => granted.leave())
      this.#arm()
      throw thrown
    }
  }

  #isBeyond({ peer }: Subject): boolean {
    const { perPeer } = this.#init
    if (perPeer === undefined) return false
    const waiting = [...this.#waiting].filter(({ subject }) => subject.peer === peer).length
    return (this.#counts().peers.get(peer) ?? 0) + waiting >= perPeer
  }

  /** The evicted place loses its owner only after the new one is held: its owner may give up others at once. */
  #grant(subject: Subject, takeBack: () => void, { evicted }: Room, sharing?: Sharing): Place {
    const since = this.#now()
    let usedAt = since
    let works = 0
    const touch = () => {
      usedAt = this.#now()
    }
    const held: Held = {
      since,
      takeBack,
      ...(sharing ?? { subjects: () => [subject], usedAt: () => (works > 0 ? this.#now() : usedAt) }),
    }
    if (evicted !== undefined) this.#held.delete(evicted)
    this.#held.add(held)
    evicted?.takeBack()
    return {
      touch,
      during: async work => {
        works++
        try {
          return await work
        } finally {
          works--
          touch()
        }
      },
      leave: () => {
        if (this.#held.delete(held)) this.#serve()
      },
    }
  }

  /** Grants places to waiting subjects. */
  #serve(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const [{ subject, takeBack, granted }, room] = next
      granted.resolve(this.#grant(subject, takeBack, room))
    }
    this.#arm()
  }

  /** Removes the next waiting subject that may have a place from the queue: the group with the fewest is the first. */
  #next(): [Waiting, Room] | undefined {
    const counts = this.#counts()
    const best = new Map<string, { waiting: Waiting; rank: Rank }>()
    for (const waiting of this.#waiting) {
      const own = rank(waiting.subject, counts)
      const known = best.get(waiting.subject.group)
      if (known === undefined || compare(own, known.rank) < 0) best.set(waiting.subject.group, { waiting, rank: own })
    }
    for (const { waiting } of [...best.values()].sort((a, b) => compare(a.rank, b.rank))) {
      const room = this.#roomFor(waiting.subject)
      if (room === undefined) continue
      this.#waiting.delete(waiting)
      return [waiting, room]
    }
    return undefined
  }

  /** A free place, or that of the group that has the most; undefined if none is due to this subject. */
  #roomFor(subject: Subject): Room | undefined {
    if (this.#held.size < this.#init.places) return {}
    const counts = this.#counts()
    const takeable = [...this.#held].filter(held => this.#mayTake(subject, held, counts))
    const [evicted] = takeable.sort((a, b) => {
      return compare(worth(a, counts), worth(b, counts)) || a.usedAt() - b.usedAt()
    })
    return evicted && { evicted }
  }

  #mayTake(by: Subject, held: Held, { groups, peers }: Counts): boolean {
    const now = this.#now()
    const idle = now - held.usedAt() >= this.#init.idleMs
    const turnIsOver = now - held.since >= this.#init.turnMs
    return held.subjects().every(from => {
      if (from.own === true) return false
      if (from.peer === by.peer) return idle
      if (by.first === true && from.first !== true && !peers.has(by.peer)) return true
      const [counts, key] = from.group === by.group ? [peers, 'peer' as const] : [groups, 'group' as const]
      const theirs = counts.get(from[key]) ?? 0
      const ours = counts.get(by[key]) ?? 0
      return (idle && theirs > ours) || (turnIsOver && theirs > ours + 1)
    })
  }

  /** Looks again when the next place becomes idle or its turn ends. */
  #arm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.size === 0) return
    const { idleMs, turnMs } = this.#init
    const now = this.#now()
    const times = [...this.#held].flatMap(held => [held.usedAt() + idleMs, held.since + turnMs])
    const next = Math.min(...times.filter(time => time > now))
    if (Number.isFinite(next)) this.#timer = setTimeout(() => this.#serve(), Math.ceil(next - now))
  }

  #counts(): Counts {
    const groups = new Map<string, number>()
    const peers = new Map<string, number>()
    for (const held of this.#held) {
      const subjects = held.subjects()
      for (const group of new Set(subjects.map(each => each.group))) groups.set(group, (groups.get(group) ?? 0) + 1)
      for (const peer of new Set(subjects.map(each => each.peer))) peers.set(peer, (peers.get(peer) ?? 0) + 1)
    }
    return { groups, peers }
  }
}

type Rank = readonly [first: number, group: number, peer: number]

/** The order in which waiting subjects get places: the smallest first. */
function rank(subject: Subject, { groups, peers }: Counts): Rank {
  const held = peers.get(subject.peer) ?? 0
  return [subject.first === true && held === 0 ? 0 : 1, groups.get(subject.group) ?? 0, held]
}

/** The order in which places are taken back: one that nobody uses, then that of the group with the most. */
function worth(held: Held, { groups, peers }: Counts): Rank {
  const users = held.subjects().map((user): Rank => {
    return [user.first === true ? 1 : 0, -(groups.get(user.group) ?? 0), -(peers.get(user.peer) ?? 0)]
  })
  return users.reduce((most, user) => (compare(user, most) > 0 ? user : most), nobody)
}

const nobody: Rank = [-1, 0, 0]

function compare(a: Rank, b: Rank): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}
