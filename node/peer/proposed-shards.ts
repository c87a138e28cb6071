/** What is missing of releases that are only proposed: of the newest proposal of each author, and within an amount for each. */

import { FormatError } from '../../protocol/encoding/cbor.ts'
import { fromHex } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { readManifest } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import {
  type NamedShards,
  namedShards,
  placedEntries,
  ShardError,
  shardsManifestOf,
} from '../../protocol/release/shards.ts'
import { TokenBucket, type TokenBucketInit } from '../concurrency/token-bucket.ts'
import type { FleetState } from '../state/fleet-state.ts'
import type { ProposalBook } from '../state/proposal-book.ts'
import { proposedShardBudget, proposedShardBytes } from './limits.ts'
import type { Missing, MissingGroup } from './shard-looks.ts'

export interface ProposedShardsComponents {
  readonly state: Pick<FleetState, 'document'>
  readonly proposals: Pick<ProposalBook, 'all'>
  /** Bytes that are fetched of one author's proposals; for tests. */
  readonly budget?: TokenBucketInit
}

export class ProposedShards {
  readonly #components: ProposedShardsComponents
  /** By manifest: what was not here of its shards. A proposal's documents stay as long as it is open. */
  readonly #lacking = new Map<string, readonly Missing[]>()
  /** By author, whose key is one of the fleet. */
  readonly #budgets = new Map<string, TokenBucket>()

  constructor(components: ProposedShardsComponents) {
    this.#components = components
  }

  /** Manifests of the proposed releases, SHA-256 in hex. */
  manifests(): string[] {
    return [...this.#newest().values()].flatMap(release => shardsManifestOf(release) ?? [])
  }

  /** What isn't here, by author. */
  async missing(): Promise<MissingGroup[]> {
    const newest = [...this.#newest()].flatMap(([author, release]) => {
      const named = namedShards(release)
      return named === undefined ? [] : [{ author, release, named, key: keyOf(named) }]
    })
    const keys = new Set(newest.map(({ key }) => key))
    for (const key of this.#lacking.keys()) if (!keys.has(key)) this.#lacking.delete(key)
    const groups: MissingGroup[] = []
    for (const { author, release, named, key } of newest) {
      const budget = this.#budgetOf(author)
      if (budget.waitMs > 0) continue
      const documents = await this.#lackingOf(release, named, key)
      groups.push({ documents, came: ({ length }) => budget.overdraw(length) })
    }
    return groups
  }

  /** The newest open proposal of each author: who has stolen a key doesn't take the place of others. */
  #newest(): Map<string, Release> {
    const newest = new Map<string, Release>()
    for (const { proposal, release } of this.#components.proposals.all) {
      if (release !== undefined) newest.set(proposal.author, release)
    }
    for (const [author, release] of newest) if (shardsManifestOf(release) === undefined) newest.delete(author)
    return newest
  }

  /** Each document that is here is read once only: a large release has many, and there is news all the time. */
  async #lackingOf(release: Release, named: NamedShards, key: string): Promise<readonly Missing[]> {
    const { state } = this.#components
    const known = this.#lacking.get(key)
    if (known === undefined) {
      const hash = fromHex(named.document)
      const manifest = await state.document(hash)
      if (manifest === undefined) return [{ hash, maxBytes: limits.shardManifest }]
      this.#lacking.set(key, shardsIn(release, manifest))
    }
    const lacking: Missing[] = []
    for (const each of this.#lacking.get(key) ?? []) {
      if ((await state.document(each.hash)) === undefined) lacking.push(each)
    }
    this.#lacking.set(key, lacking)
    return lacking
  }

  #budgetOf(author: string): TokenBucket {
    const budget = this.#budgets.get(author) ?? new TokenBucket(this.#components.budget ?? proposedShardBudget)
    this.#budgets.set(author, budget)
    return budget
  }
}

/** None of a manifest that is wrong, or of more than is fetched: operators are told of it when they look. */
function shardsIn(release: Release, manifest: Uint8Array): Missing[] {
  try {
    const places = placedEntries(readManifest(release, manifest))
    const bytes = places.reduce((sum, { entry }) => sum + entry.size, 0)
    return bytes > proposedShardBytes ? [] : places.map(({ entry: { hash, size } }) => ({ hash, maxBytes: size }))
  } catch (thrown) {
    if (thrown instanceof ShardError || thrown instanceof FormatError) return []
    throw thrown
  }
}

/** All that a release says by which its manifest is judged: two proposals may name one, and say different things of it. */
function keyOf({ document, devices }: NamedShards): string {
  return `${document} ${devices}`
}
