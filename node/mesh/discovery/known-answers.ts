/**
 * Known-answer and duplicate-question suppression (RFC 6762, sections 7.1 and 7.3): a query names the answers that are
 * known already, and a question that another host has just asked is not asked again.
 */

import { LRUCache } from 'lru-cache'
import { discoveredPeers } from '../limits.ts'
import { mdnsKnownAnswers } from './limits.ts'

/** An instance that was announced, and its TTL in seconds. */
export interface KnownAnswer {
  readonly instance: string
  readonly ttl: number
}

/** The TTL of a pointer in seconds, as RFC 6762, section 10, recommends: 75 minutes. */
export const pointerTtl = 75 * 60

export class KnownAnswers {
  readonly #heardAt = new LRUCache<string, number>({ max: discoveredPeers })
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  heard(instance: string): void {
    this.#heardAt.set(instance, this.#now())
  }

  /** For a query: answers with more than half of their TTL left, the latest first, as many as fit into a packet. */
  get current(): KnownAnswer[] {
    return [...this.#heardAt.entries()].flatMap(([instance, at]) => this.#left(instance, at)).slice(0, mdnsKnownAnswers)
  }

  /** Whether all of these are known here: then the answers to another host's query tell us all that one of ours would. */
  hasAll(answers: readonly KnownAnswer[]): boolean {
    return answers.every(({ instance }) => {
      const at = this.#heardAt.peek(instance)
      return at !== undefined && this.#left(instance, at).length > 0
    })
  }

  #left(instance: string, at: number): KnownAnswer[] {
    const ttl = Math.floor(pointerTtl - (this.#now() - at) / 1000)
    return ttl > pointerTtl / 2 ? [{ instance, ttl }] : []
  }
}
