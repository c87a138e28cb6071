/**
 * One side of a comparison by ranges (Meyer, "Range-Based Set Reconciliation", 2023): each turn answers fingerprints
 * that differ with those of smaller ranges, and short ranges with a list. Nothing that the other side says is trusted:
 * what it hides or invents costs it at worst what it doesn't get or gets for nothing.
 */

import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import {
  type Held,
  memberKeyLength,
  printLength,
  type Range,
  type Ranges,
  rangePrintLength,
} from '../../../protocol/messages/ranges.ts'
import type { Holdings, Prints } from './holdings.ts'

/** A range with fewer members is listed at once. */
const listedAtOnce = 8
/** Ranges that one is split into, at most, and members that each of them has, on average at least. */
const branches = 8
const leastPerBranch = 6

/** Bytes of CBOR: headers of a range, its bound and fingerprint; and a member in a list, at most. */
const printBytes = 4 + memberKeyLength + printLength
const heldBytes = 20 + memberKeyLength
const wantedBytes = 3 + memberKeyLength
/** A turn takes on nothing more beyond this: what it has begun by then is far below the rest of its message. */
const turnBytes = limits.rangesMessage - 4096

const wantsCertificate = 1
const wantsReport = 2

/** What the other side lacks of a member. */
export interface Lacking {
  readonly certificate: boolean
  readonly report: boolean
}

/** The fingerprints of ranges between two sides that have told each other those of all members: who asked, and who was asked. */
export function shortPrints(asking: Uint8Array, asked: Uint8Array): Prints {
  return { length: rangePrintLength, salt: Buffer.concat([asking, asked]) }
}

export class Reconciliation {
  readonly #holdings: Holdings
  readonly #prints: Prints | undefined
  readonly #lacking = new Map<string, Lacking>()
  #turns = 0
  /** Of the turn that is being made, and of all before. */
  #bytes = 0
  #spoken = 0

  /** `prints`: how fingerprints are made; without it, as the versions before `sync/5` make them. */
  constructor(holdings: Holdings, prints?: Prints) {
    this.#holdings = holdings
    this.#prints = prints
  }

  /** What the other side lacks, by peer; complete after the last turn. */
  get lacking(): ReadonlyMap<string, Lacking> {
    return this.#lacking
  }

  /** Bytes of all turns of this side, about. */
  get spoken(): number {
    return this.#spoken + this.#bytes
  }

  /** The first turn, after both sides have found their fingerprints to differ. */
  begin(): Ranges {
    const reply = this.#turn()
    this.#split(0, this.#holdings.size, noBytes, reply)
    return reply
  }

  /**
   * The answer to the other side's turn; undefined after the last one. Throws a FormatError if ranges overlap, or if the
   * other side never comes to an end.
   */
  answer({ ranges, wants }: Ranges): Ranges | undefined {
    for (const [key, what] of wants) {
      const peer = this.#holdings.find(key)
      if (peer === undefined) continue
      this.#note(peer, { certificate: (what & wantsCertificate) !== 0, report: (what & wantsReport) !== 0 })
    }
    if (isLastTurn({ ranges, wants })) return undefined
    if (ranges.some(([to], at) => at > 0 && !isBelow(ranges[at - 1]?.[0] ?? to, to))) {
      throw new FormatError('malformed', 'expected ranges in ascending order')
    }
    if (++this.#turns > limits.rangeTurns) {
      throw new FormatError('malformed', `expected at most ${limits.rangeTurns} turns of ranges`)
    }
    return this.#answerAll(ranges)
  }

  #print(low: number, high: number): Uint8Array {
    return this.#holdings.print(low, high, this.#prints)
  }

  #turn(): Ranges {
    this.#spoken += this.#bytes
    this.#bytes = 0
    return { ranges: [], wants: [] }
  }

  #answerAll(ranges: readonly Range[]): Ranges {
    const reply = this.#turn()
    let low = 0
    for (const [to, said] of ranges) {
      if (this.#bytes > turnBytes) {
        // All that follows is compared anew, as one range.
        const end = ranges.at(-1)?.[0] ?? noBytes
        this.#say(reply, [end, this.#print(low, this.#holdings.lower(end))])
        return reply
      }
      const high = this.#holdings.lower(to)
      if (said === undefined) this.#skip(reply, to)
      else if (said instanceof Uint8Array) this.#compare(low, high, to, said, reply)
      else {
        this.#settle(low, high, said, reply)
        this.#skip(reply, to)
      }
      low = high
    }
    if (reply.ranges.at(-1)?.length === 1) reply.ranges.pop()
    return reply
  }

  #compare(low: number, high: number, to: Uint8Array, theirs: Uint8Array, reply: Ranges): void {
    const ours = this.#print(low, high)
    if (equalBytes(theirs, ours)) this.#skip(reply, to)
    // What doesn't fit into this turn stays as it is until the next one.
    else if (this.#bytes > turnBytes / 2) this.#say(reply, [to, ours])
    else this.#split(low, high, to, reply)
  }

  /** A list, or the fingerprints of parts. */
  #split(low: number, high: number, to: Uint8Array, reply: Ranges): void {
    const count = high - low
    if (count <= listedAtOnce) {
      this.#say(reply, [to, Array.from({ length: count }, (_, at) => this.#holdings.held(low + at))])
      return
    }
    const parts = Math.min(branches, Math.ceil(count / leastPerBranch))
    let begin = low
    for (let part = 1; part <= parts; part++) {
      const end = low + Math.floor((count * part) / parts)
      const bound = part === parts ? to : this.#holdings.boundBefore(end)
      this.#say(reply, [bound, this.#print(begin, end)])
      begin = end
    }
  }

  /** Compares a list with what is held here, and asks for what is newer in it. */
  #settle(low: number, high: number, list: readonly Held[], reply: Ranges): void {
    const theirs = new Map(list.map(([key, rank, counter]) => [hex(key), { key, rank, counter }]))
    for (let at = low; at < high; at++) {
      const [key, rank, counter] = this.#holdings.held(at)
      const known = theirs.get(hex(key))
      theirs.delete(hex(key))
      this.#note(this.#holdings.peer(at), {
        certificate: known === undefined || known.rank < rank,
        report: counter > (known?.counter ?? 0),
      })
      if (known !== undefined) this.#want(reply, key, known.rank > rank, known.counter > counter)
    }
    for (const { key, counter } of theirs.values()) this.#want(reply, key, true, counter > 0)
  }

  #want(reply: Ranges, key: Uint8Array, certificate: boolean, report: boolean): void {
    if (!certificate && !report) return
    reply.wants.push([key, (certificate ? wantsCertificate : 0) + (report ? wantsReport : 0)])
    this.#bytes += wantedBytes
  }

  #note(peer: string, { certificate, report }: Lacking): void {
    if (!certificate && !report) return
    const known = this.#lacking.get(peer)
    this.#lacking.set(peer, {
      certificate: certificate || known?.certificate === true,
      report: report || known?.report === true,
    })
  }

  #say(reply: Ranges, range: Range): void {
    reply.ranges.push(range)
    this.#bytes += Array.isArray(range[1]) ? 20 + range[1].length * heldBytes : printBytes
  }

  /** Ranges of which nothing is to be said become one. */
  #skip(reply: Ranges, to: Uint8Array): void {
    if (reply.ranges.at(-1)?.length === 1) reply.ranges.pop()
    reply.ranges.push([to])
    this.#bytes += 3 + memberKeyLength
  }
}

/** Whether nothing in it needs an answer. */
export function isLastTurn({ ranges }: Ranges): boolean {
  return ranges.every(([, said]) => said === undefined)
}

const noBytes = new Uint8Array()

const hex = (key: Uint8Array) => Buffer.from(key).toString('hex')

/** Whether a range may end there after one that ends here; empty bytes end the last. */
function isBelow(one: Uint8Array, other: Uint8Array): boolean {
  return one.length > 0 && (other.length === 0 || Buffer.compare(one, other) < 0)
}
