/** Detects devices that share one key: a copied disk or a stolen key. */

import { LRUCache } from 'lru-cache'
import { equalBytes, toHex } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import type { Report } from '../../../protocol/report/report.ts'
import type { EvidenceBook } from '../../state/evidence.ts'
import { bootsKept } from '../limits.ts'

interface Known {
  readonly document: Report
  readonly envelope: Uint8Array
}

/**
 * Each process draws a random number when it starts. If the numbers of one peer ID, in the order in which they were
 * used, return to one that another had replaced, two processes have its key.
 */
export class CloneDetector {
  readonly #evidence: Pick<EvidenceBook, 'add'>
  readonly #reported = new BootHistory()
  readonly #heard = new BootHistory()

  constructor(evidence: Pick<EvidenceBook, 'add'>) {
    this.#evidence = evidence
  }

  /** Checks a verified report against the known one of its peer. */
  async report(known: Known | undefined, next: Known): Promise<void> {
    const { peer, counter, boot } = next.document
    if (known?.document.counter === counter && !equalBytes(known.envelope, next.envelope)) {
      await this.#evidence.add('clone', peer, [known.envelope, next.envelope])
    }
    if (known !== undefined && known.document.counter >= counter) return
    if (known?.document.boot !== undefined) this.#reported.add(peer, toHex(known.document.boot))
    if (boot === undefined || !this.#reported.add(peer, toHex(boot))) return
    await this.#evidence.add('clone', peer, [...(known ? [known.envelope] : []), next.envelope])
  }

  /**
   * Checks the number in a peer's hello. `asked`: the hello answers one that we just sent, so the process is alive;
   * otherwise it may be a delayed one. Resolves to whether other connections of this peer gave another number, so
   * that they must be asked.
   */
  async hello(peer: string, boot: Uint8Array | undefined, asked: boolean): Promise<boolean> {
    if (boot === undefined) return false
    const key = toHex(boot)
    const differs = this.#heard.last(peer) !== undefined && this.#heard.last(peer) !== key
    if (!asked && this.#heard.has(peer, key)) return differs
    if (this.#heard.add(peer, key)) await this.#evidence.add('clone', peer, [])
    return differs
  }

  forget(peer: string): void {
    this.#reported.forget(peer)
    this.#heard.forget(peer)
  }
}

/** The last numbers of each peer, newest last. */
class BootHistory {
  /** Limited by size instead of count: `max` would allocate memory for all members at once. */
  readonly #boots = new LRUCache<string, string[]>({ maxSize: limits.members, sizeCalculation: () => 1 })

  last(peer: string): string | undefined {
    return this.#boots.peek(peer)?.at(-1)
  }

  has(peer: string, boot: string): boolean {
    return this.#boots.peek(peer)?.includes(boot) ?? false
  }

  /** Returns whether the number came back after another one. */
  add(peer: string, boot: string): boolean {
    const known = this.#boots.peek(peer) ?? []
    if (known.at(-1) === boot) return false
    const returned = known.includes(boot)
    this.#boots.set(peer, [...known.filter(each => each !== boot), boot].slice(-bootsKept))
    return returned
  }

  forget(peer: string): void {
    this.#boots.delete(peer)
  }
}
