/** The stored proposals: merged as signatures are added, limited for each author, and removed when outdated. */

import { EventEmitter } from 'node:events'
import { LRUCache } from 'lru-cache'
import { sha256, toHex } from '../../protocol/encoding/hash.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { type Proposal, proposalCodec } from '../../protocol/trust/proposal.ts'
import { mergeProposals, ProposalError, type VerifiedProposal, verifyProposal } from '../../protocol/trust/proposals.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { Logger } from '../process/log.ts'
import type { Table } from './database.ts'
import type { FleetState } from './fleet-state.ts'

export interface ProposalBookComponents {
  state: FleetState
  table: Table
  log: Logger
}

interface Held {
  readonly verified: VerifiedProposal
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
}

interface Events {
  /** A proposal is new, or has gained signatures or statements; whether another peer sent them. */
  changed: [VerifiedProposal, { readonly received: boolean }]
  /** Likewise for a closed proposal, whose version was published meanwhile: for the audit log. */
  closed: [VerifiedProposal]
}

/** Closed proposals that are still exchanged for a while, so that operators who were away see the last signatures. */
const keptClosed = 16
/** Hashes of proposals that came too late: the other sides needn't send them again. */
const keptStale = 32

export class ProposalBook extends EventEmitter<Events> {
  readonly #components: ProposalBookComponents
  readonly #held = new Map<string, Held>()
  /** In memory only, oldest first. */
  readonly #closed = new Map<string, Held>()
  /** By their hash in hex. What is stale stays so, since trusted metadata are never replaced by older ones. */
  readonly #stale = new LRUCache<string, Uint8Array>({ max: keptStale })
  /** The previously trusted metadata, which closed proposals are based on. */
  #previous: TrustedSet | undefined
  #trusted: TrustedSet | undefined
  /** Serialises changes. */
  readonly #changes = new SerialQueue()

  constructor(components: ProposalBookComponents) {
    super()
    this.#components = components
  }

  /** Loads stored proposals and removes outdated ones. */
  async load(): Promise<void> {
    for await (const [id, bytes] of this.#components.table.entries()) {
      const verified = this.#tryVerify(bytes)
      if (verified === undefined) await this.#components.table.delete(id)
      else this.#hold(verified)
    }
    const { state, log } = this.#components
    this.#trusted = state.accepted?.trusted
    state.on('changed', () => {
      this.#changes
        .run(() => this.#reconsider())
        .catch(error => {
          log.debug({ reason: messageOf(error) }, 'outdated proposals were not removed')
        })
    })
  }

  /** Proposals based on the currently trusted metadata, oldest first. */
  get all(): VerifiedProposal[] {
    return [...this.#held.values()]
      .map(({ verified }) => verified)
      .sort((a, b) => (a.proposal.created < b.proposal.created ? -1 : 1))
  }

  /** Hashes of the stored proposals; they change with each signature. */
  get hashes(): Uint8Array[] {
    return [...this.#held.values(), ...this.#closed.values()].map(({ hash }) => hash).slice(0, limits.proposals)
  }

  /** Hashes of what other peers needn't send: the stored proposals, and those that are too old for this peer. */
  get known(): Uint8Array[] {
    return [...this.hashes, ...this.#stale.values()].slice(0, limits.proposals)
  }

  /** Whether a proposal is stored and open. */
  has(id: string): boolean {
    return this.#held.has(id)
  }

  /** The stored proposals' bytes, except those with these hashes. */
  without(known: readonly Uint8Array[]): Uint8Array[] {
    const names = new Set(known.map(toHex))
    return [...this.#held.values(), ...this.#closed.values()]
      .filter(({ hash }) => !names.has(toHex(hash)))
      .map(({ bytes }) => bytes)
  }

  /**
   * Adds a proposal, or merges it into a known one; resolves to whether anything changed. `received` says that another
   * peer sent it. Throws a ProposalError (`stale` and `ahead` if it is based on other metadata than ours), MetadataError
   * or FormatError.
   */
  add(proposal: Proposal, { received = false } = {}): Promise<boolean> {
    return this.#changes.run(async () => {
      const { state, table } = this.#components
      const trusted = state.accepted?.trusted
      if (trusted === undefined) throw new ProposalError('ahead', 'this peer has no metadata of its fleet yet')
      const given = this.#judge(proposal, trusted)
      if (given === undefined) return false
      const known = this.#held.get(given.id)
      const next = known === undefined ? given : mergeProposals(known.verified, given, trusted)
      const bytes = proposalCodec.encode(next.proposal)
      if (known !== undefined && Buffer.compare(known.bytes, bytes) === 0) return false
      if (known === undefined && !(await this.#makeRoom(next))) return false
      await table.put(next.id, bytes)
      this.#hold(next)
      this.emit('changed', next, { received })
      return true
    })
  }

  /** As `#judgeOpen`; remembers what is too old. */
  #judge(proposal: Proposal, trusted: TrustedSet): VerifiedProposal | undefined {
    try {
      return this.#judgeOpen(proposal, trusted)
    } catch (thrown) {
      if (isStale(thrown)) {
        const hash = sha256(proposalCodec.encode(proposal))
        this.#stale.set(toHex(hash), hash)
      }
      throw thrown
    }
  }

  /**
   * Verifies a proposal. A closed one that was based on the previously trusted metadata is kept for others and for
   * the log.
   */
  #judgeOpen(proposal: Proposal, trusted: TrustedSet): VerifiedProposal | undefined {
    const { fleet } = this.#components.state
    try {
      return verifyProposal(proposal, trusted, fleet)
    } catch (thrown) {
      if (!isStale(thrown) || this.#previous === undefined) throw thrown
      const verified = verifyProposal(proposal, this.#previous, fleet)
      const known = this.#closed.get(verified.id)
      const next = known === undefined ? verified : mergeProposals(known.verified, verified, this.#previous)
      if (this.#close(next)) this.emit('closed', next)
      return undefined
    }
  }

  /** Returns whether it was new. */
  #close(verified: VerifiedProposal): boolean {
    const held = heldOf(verified)
    if (this.#closed.get(verified.id)?.hash.every((byte, at) => byte === held.hash[at])) return false
    this.#closed.set(verified.id, held)
    // A holder of one key can also sign any number of closed proposals.
    const { author } = verified.proposal
    const ofAuthor = [...this.#closed].filter(([, { verified: each }]) => each.proposal.author === author)
    for (const [id] of ofAuthor.slice(0, -limits.proposalsPerAuthor)) this.#closed.delete(id)
    for (const id of this.#closed.keys()) if (this.#closed.size > keptClosed) this.#closed.delete(id)
    return true
  }

  /** Removes a proposal; peers that still have it may send it again. */
  remove(id: string): Promise<void> {
    return this.#changes.run(() => this.#remove(id))
  }

  #hold(verified: VerifiedProposal): void {
    this.#held.set(verified.id, heldOf(verified))
  }

  async #remove(id: string): Promise<void> {
    this.#held.delete(id)
    await this.#components.table.delete(id)
  }

  /** A stolen key must not fill every disk: keeps the newest of each author, and a total limit. */
  async #makeRoom(next: VerifiedProposal): Promise<boolean> {
    const byAge = (a: VerifiedProposal, b: VerifiedProposal) => (age(a) < age(b) ? 1 : -1)
    const ofAuthor = this.all.filter(({ proposal }) => proposal.author === next.proposal.author)
    const beyond = [...ofAuthor, next].sort(byAge).slice(limits.proposalsPerAuthor)
    if (beyond.includes(next) || (beyond.length === 0 && this.#held.size >= limits.proposals)) return false
    for (const { id } of beyond) await this.#remove(id)
    return true
  }

  async #reconsider(): Promise<void> {
    const trusted = this.#components.state.accepted?.trusted
    if (trusted !== this.#trusted) {
      this.#previous = this.#trusted
      this.#trusted = trusted
    }
    for (const [id, { verified: before, bytes }] of [...this.#held]) {
      const verified = this.#tryVerify(bytes)
      if (verified === undefined) {
        this.#close(before)
        await this.#remove(id)
      } else this.#hold(verified)
    }
  }

  #tryVerify(bytes: Uint8Array): VerifiedProposal | undefined {
    const { state, log } = this.#components
    if (state.accepted === undefined) return undefined
    try {
      return verifyProposal(proposalCodec.decode(bytes), state.accepted.trusted, state.fleet)
    } catch (thrown) {
      if (!(thrown instanceof ThymeshError)) throw thrown
      log.debug({ reason: messageOf(thrown) }, 'a proposal is no longer valid')
      return undefined
    }
  }
}

function isStale(thrown: unknown): boolean {
  return thrown instanceof ProposalError && thrown.code === 'stale'
}

function heldOf(verified: VerifiedProposal): Held {
  const bytes = proposalCodec.encode(verified.proposal)
  return { verified, bytes, hash: sha256(bytes) }
}

/** Sorts by its own date, then by ID: the same on every peer, so that all keep the same proposals. */
function age({ proposal, id }: VerifiedProposal): string {
  return `${proposal.created} ${id}`
}
