/** The proposals that a peer keeps: merged as signatures come, bounded for each author, gone when they are outdated. */

import { EventEmitter } from 'node:events'
import { sha256 } from '../../protocol/encoding/hash.ts'
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
  readonly judged: VerifiedProposal
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
}

interface Events {
  /** A proposal is new, or has more signatures or statements. */
  changed: [VerifiedProposal]
  /** The same of one that something of its version was published over: for the audit log. */
  closed: [VerifiedProposal]
}

/** Closed proposals that are passed on for a while, so that who was away learns when others signed. */
const keptClosed = 16

export class ProposalBook extends EventEmitter<Events> {
  readonly #components: ProposalBookComponents
  readonly #held = new Map<string, Held>()
  /** In memory only, oldest first. */
  readonly #closed = new Map<string, Held>()
  /** What was trusted before: closed proposals stand on it. */
  #previous: TrustedSet | undefined
  #trusted: TrustedSet | undefined
  /** Changes happen one after the other. */
  readonly #changes = new SerialQueue()

  constructor(components: ProposalBookComponents) {
    super()
    this.#components = components
  }

  /** Reads what was kept, and drops what is outdated by now. */
  async load(): Promise<void> {
    for await (const [id, bytes] of this.#components.table.entries()) {
      const judged = this.#tryJudge(bytes)
      if (judged === undefined) await this.#components.table.delete(id)
      else this.#hold(judged)
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

  /** Those that stand on what is trusted now, oldest first. */
  get all(): VerifiedProposal[] {
    return [...this.#held.values()]
      .map(({ judged }) => judged)
      .sort((a, b) => (a.proposal.created < b.proposal.created ? -1 : 1))
  }

  /** Hashes of what is held: they change with each signature. */
  get hashes(): Uint8Array[] {
    return [...this.#held.values(), ...this.#closed.values()].map(({ hash }) => hash).slice(0, limits.proposals)
  }

  /** What is held, as bytes, but for those with these hashes. */
  without(known: readonly Uint8Array[]): Uint8Array[] {
    const names = new Set(known.map(each => Buffer.from(each).toString('hex')))
    return [...this.#held.values(), ...this.#closed.values()]
      .filter(({ hash }) => !names.has(Buffer.from(hash).toString('hex')))
      .map(({ bytes }) => bytes)
  }

  /**
   * Takes a proposal, or what a known one has gained; resolves to whether anything changed. Throws a ProposalError (`stale`
   * where it stands on other metadata than ours), MetadataError or FormatError.
   */
  add(proposal: Proposal): Promise<boolean> {
    return this.#changes.run(async () => {
      const { state, table } = this.#components
      const trusted = state.accepted?.trusted
      if (trusted === undefined) throw new ProposalError('stale', 'this peer has no metadata of its fleet yet')
      const given = this.#judgeOpen(proposal, trusted)
      if (given === undefined) return false
      const known = this.#held.get(given.id)
      const next = known === undefined ? given : mergeProposals(known.judged, given, trusted)
      const bytes = proposalCodec.encode(next.proposal)
      if (known !== undefined && Buffer.compare(known.bytes, bytes) === 0) return false
      if (known === undefined && !(await this.#makeRoom(next))) return false
      await table.put(next.id, bytes)
      this.#hold(next)
      this.emit('changed', next)
      return true
    })
  }

  /** Judges a proposal; one that is closed, but stood on what was trusted just before, is kept for others and for the log. */
  #judgeOpen(proposal: Proposal, trusted: TrustedSet): VerifiedProposal | undefined {
    const { fleet } = this.#components.state
    try {
      return verifyProposal(proposal, trusted, fleet)
    } catch (thrown) {
      const isStale = thrown instanceof ProposalError && thrown.code === 'stale'
      if (!isStale || this.#previous === undefined) throw thrown
      const judged = verifyProposal(proposal, this.#previous, fleet)
      const known = this.#closed.get(judged.id)
      const next = known === undefined ? judged : mergeProposals(known.judged, judged, this.#previous)
      if (this.#close(next)) this.emit('closed', next)
      return undefined
    }
  }

  /** Whether that was news. */
  #close(judged: VerifiedProposal): boolean {
    const held = heldOf(judged)
    if (this.#closed.get(judged.id)?.hash.every((byte, at) => byte === held.hash[at])) return false
    this.#closed.set(judged.id, held)
    // Whoever has one key can sign any number of what is closed already, too.
    const { author } = judged.proposal
    const ofAuthor = [...this.#closed].filter(([, { judged: each }]) => each.proposal.author === author)
    for (const [id] of ofAuthor.slice(0, -limits.proposalsPerAuthor)) this.#closed.delete(id)
    for (const id of this.#closed.keys()) if (this.#closed.size > keptClosed) this.#closed.delete(id)
    return true
  }

  /** Forgets a proposal; whoever still has it may bring it again. */
  remove(id: string): Promise<void> {
    return this.#changes.run(() => this.#remove(id))
  }

  #hold(judged: VerifiedProposal): void {
    this.#held.set(judged.id, heldOf(judged))
  }

  async #remove(id: string): Promise<void> {
    this.#held.delete(id)
    await this.#components.table.delete(id)
  }

  /** One key, stolen perhaps, must not fill every disk: of each author the newest stay, of all so many. */
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
    for (const [id, { judged: before, bytes }] of [...this.#held]) {
      const judged = this.#tryJudge(bytes)
      if (judged === undefined) {
        this.#close(before)
        await this.#remove(id)
      } else this.#hold(judged)
    }
  }

  #tryJudge(bytes: Uint8Array): VerifiedProposal | undefined {
    const { state, log } = this.#components
    if (state.accepted === undefined) return undefined
    try {
      return verifyProposal(proposalCodec.decode(bytes), state.accepted.trusted, state.fleet)
    } catch (thrown) {
      if (!(thrown instanceof ThymeshError)) throw thrown
      log.debug({ reason: messageOf(thrown) }, 'a proposal is no longer one')
      return undefined
    }
  }
}

function heldOf(judged: VerifiedProposal): Held {
  const bytes = proposalCodec.encode(judged.proposal)
  return { judged, bytes, hash: sha256(bytes) }
}

/** Newest by its own date, then by ID: the same everywhere, so that peers keep the same ones. */
function age({ proposal, id }: VerifiedProposal): string {
  return `${proposal.created} ${id}`
}
