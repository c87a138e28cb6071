/** Budgets of subjects: what peers may cost, each by itself and all of a group together. */

import { LRUCache } from 'lru-cache'
import type { Subject } from './fair-places.ts'
import { TokenBucket, type TokenBucketInit } from './token-bucket.ts'

export interface SubjectBudgetsInit {
  /** Of one peer, and of a group with more than one, such as the peers of a join token. */
  peer: Omit<TokenBucketInit, 'now'>
  group: Omit<TokenBucketInit, 'now'>
  /** Subjects that are remembered: anyone can make new peer IDs. */
  subjects: number
  /** Milliseconds; for tests. */
  now?: () => number
}

export class SubjectBudgets {
  readonly #init: SubjectBudgetsInit
  readonly #buckets: LRUCache<string, TokenBucket>

  constructor(init: SubjectBudgetsInit) {
    this.#init = init
    // Limited by size instead of count: `max` would allocate memory for all at once.
    this.#buckets = new LRUCache({ maxSize: init.subjects, sizeCalculation: () => 1 })
  }

  /** Whether a subject has something left of its own budget and of its group's. */
  has(subject: Subject): boolean {
    return this.#bucketsOf(subject).every(bucket => bucket.waitMs === 0)
  }

  /** Spends one from both if both have something left; returns whether they had. */
  take(subject: Subject): boolean {
    const has = this.has(subject)
    if (has) this.spend(subject, 1)
    return has
  }

  /** Spends from both, if necessary as debt: what something costs may be known only afterwards. */
  spend(subject: Subject, cost: number): void {
    for (const bucket of this.#bucketsOf(subject)) bucket.overdraw(cost)
  }

  #bucketsOf({ peer, group }: Subject): TokenBucket[] {
    const own = this.#bucket(`peer ${peer}`, this.#init.peer)
    return group === peer ? [own] : [own, this.#bucket(`group ${group}`, this.#init.group)]
  }

  #bucket(key: string, rate: Omit<TokenBucketInit, 'now'>): TokenBucket {
    const { now } = this.#init
    const bucket = this.#buckets.get(key) ?? new TokenBucket({ ...rate, ...(now && { now }) })
    this.#buckets.set(key, bucket)
    return bucket
  }
}
