/**
 * Fetches what this peer needs of a sharded release: a device its own part and that of its site, a controller or a relay all of it,
 * and of releases that are only proposed, too. What it has, it serves to others as any document.
 */

import { fromHex, toHex } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { asSigned } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import { rolloutDefaults } from '../../protocol/release/rollout-policy.ts'
import { neededShards, type ShardInterest, shardsManifestOf } from '../../protocol/release/shards.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { Documents } from '../mesh/exchange/documents.ts'
import type { Admission } from '../mesh/peers/admission.ts'
import type { OwnCertificate } from '../mesh/peers/own-certificate.ts'
import type { Logger } from '../process/log.ts'
import type { FleetState } from '../state/fleet-state.ts'
import type { ProposalBook } from '../state/proposal-book.ts'
import { withShards } from '../state/sharded-release.ts'
import {
  proposedShardBytes,
  shardFetches,
  shardFetchMs,
  shardQuietMs,
  shardRetryFirstMs,
  shardRetryLastMs,
  shardsInVain,
} from './limits.ts'

export interface ShardKeeperComponents {
  readonly state: Pick<FleetState, 'accepted' | 'document' | 'keepDocument' | 'takeShards' | 'on' | 'off'>
  readonly documents: Pick<Documents, 'fetch'>
  readonly directory: Pick<Directory, 'members' | 'on' | 'off'>
  readonly admission: Pick<Admission, 'members' | 'on' | 'off'>
  readonly proposals: Pick<ProposalBook, 'all' | 'on' | 'off'>
  readonly own: Pick<OwnCertificate, 'certificate' | 'on' | 'off'>
  readonly log: Pick<Logger, 'debug' | 'info'>
}

/** A document that is missing, with the most bytes that it may have. */
interface Missing {
  readonly hash: Uint8Array
  readonly maxBytes: number
}

export class ShardKeeper {
  readonly #components: ShardKeeperComponents
  readonly #stop = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #due = Number.POSITIVE_INFINITY
  #retryMs = shardRetryFirstMs
  /** When all is asked for again; other news doesn't put it off. */
  #retryAt = Number.POSITIVE_INFINITY
  #running: Promise<void> | undefined
  /** Somebody asked for a look while one was under way. */
  #again = false
  /** The manifests that the last look was about. */
  #subjects = ''
  /** Documents, SHA-256 in hex, that nobody in reach had: asked for again after a time, or where somebody comes who was not asked. */
  readonly #inVain = new Set<string>()
  /** Neighbours that were there when something was asked for in vain. */
  readonly #asked = new Set<string>()
  readonly #onNews = () => {
    const subjects = this.#manifests().join()
    if (subjects !== this.#subjects) {
      this.#subjects = subjects
      this.#retryMs = shardRetryFirstMs
      this.#forgetVain()
    }
    this.#lookIn(shardQuietMs)
  }
  readonly #onNeighbour = ({ peer }: { peer: { toString(): string } }) => {
    if (this.#asked.has(peer.toString())) return
    this.#inVain.clear()
    this.#lookIn(shardQuietMs)
  }

  constructor(components: ShardKeeperComponents) {
    this.#components = components
  }

  start(): void {
    const { state, directory, admission, proposals, own } = this.#components
    state.on('changed', this.#onNews)
    directory.on('certificate', this.#onNews)
    proposals.on('changed', this.#onNews)
    admission.on('admitted', this.#onNeighbour)
    own.on('renewed', this.#onNews)
    this.#onNews()
  }

  async stop(): Promise<void> {
    const { state, directory, admission, proposals, own } = this.#components
    state.off('changed', this.#onNews)
    directory.off('certificate', this.#onNews)
    proposals.off('changed', this.#onNews)
    admission.off('admitted', this.#onNeighbour)
    own.off('renewed', this.#onNews)
    this.#stop.abort(new Error('the peer stops'))
    clearTimeout(this.#timer)
    await this.#running
  }

  /** Looks after so long; without a sharded release that costs nothing. */
  #lookIn(milliseconds: number): void {
    const due = performance.now() + milliseconds
    if (this.#stop.signal.aborted || this.#manifests().length === 0 || this.#due <= due) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => {
      this.#due = Number.POSITIVE_INFINITY
      if (performance.now() >= this.#retryAt) this.#forgetVain()
      this.#begin()
    }, milliseconds)
  }

  #begin(): void {
    this.#again = this.#running !== undefined
    this.#running ??= this.#look().finally(() => {
      this.#running = undefined
      if (this.#again) this.#lookIn(shardQuietMs)
    })
  }

  #forgetVain(): void {
    this.#inVain.clear()
    this.#asked.clear()
    this.#retryAt = Number.POSITIVE_INFINITY
  }

  /** Of the accepted release and of proposed ones, SHA-256 in hex. */
  #manifests(): string[] {
    const release = this.#components.state.accepted?.release
    const all = [...(release === undefined ? [] : [asSigned(release)]), ...this.#proposed()]
    return all.flatMap(each => shardsManifestOf(each) ?? [])
  }

  /** The newest open proposal of each author: who has stolen a key doesn't take the place of others. */
  #proposed(): Release[] {
    if (this.#components.own.certificate.role === 'device') return []
    const newest = new Map<string, Release>()
    for (const { proposal, release } of this.#components.proposals.all) {
      if (release !== undefined) newest.set(proposal.author, release)
    }
    return [...newest.values()].filter(release => shardsManifestOf(release) !== undefined)
  }

  /** Never rejects. What doesn't come is asked for again, ever more rarely. */
  async #look(): Promise<void> {
    const { state, admission, log } = this.#components
    const isNew = ({ hash }: Missing) => !this.#inVain.has(toHex(hash))
    try {
      for (let wanted = await this.#wanted(); wanted.some(isNew); wanted = await this.#wanted()) {
        const asked = wanted.filter(isNew)
        const came = await this.#fetchAll(asked)
        if (came > 0) await state.takeShards()
        log[came === asked.length ? 'info' : 'debug']({ came, of: asked.length }, 'shards of the release were fetched')
        if (came === asked.length) continue
        for (const { peer } of admission.members) this.#asked.add(peer.toString())
        if (came > 0) this.#retryMs = shardRetryFirstMs
        this.#retryAt = performance.now() + this.#retryMs
        this.#lookIn(this.#retryMs)
        this.#retryMs = Math.min(shardRetryLastMs, this.#retryMs * 2)
        return
      }
      if (Number.isFinite(this.#retryAt)) this.#lookIn(Math.max(0, this.#retryAt - performance.now()))
    } catch (thrown) {
      if (this.#stop.signal.aborted) return
      log.debug({ reason: messageOf(thrown) }, 'the shards of the release were not taken')
      this.#lookIn(shardRetryLastMs)
    }
  }

  /** What is missing: the manifest, then the shards that it names, then those of the waves that ours waits for; then of proposals. */
  async #wanted(): Promise<Missing[]> {
    const { state, own, directory } = this.#components
    const release = state.accepted?.release
    const found = release === undefined ? [] : missingOf(release, () => interestOf(release, own.certificate, directory))
    for (const proposed of this.#proposed()) {
      const whole = await withShards(proposed, hash => state.document(hash))
      const bytes = whole.sharded?.places.reduce((sum, { entry }) => sum + entry.size, 0) ?? 0
      if (bytes <= proposedShardBytes) found.push(...missingOf(whole, () => ({ all: true, devices: [] })))
    }
    return found
  }

  /** Resolves to how many came. */
  async #fetchAll(wanted: readonly Missing[]): Promise<number> {
    // In another order each time: where the first ones are in vain, others may come.
    const left = wanted.toSorted(() => Math.random() - 0.5)
    let came = 0
    let inVain = 0
    const work = async () => {
      for (let next = left.pop(); next !== undefined && !this.#stop.signal.aborted; next = left.pop()) {
        const isHere = inVain < shardsInVain && (await this.#fetch(next))
        inVain = isHere ? 0 : inVain + 1
        if (isHere) came++
        else this.#inVain.add(toHex(next.hash))
      }
    }
    await Promise.all(Array.from({ length: shardFetches }, work))
    return came
  }

  async #fetch({ hash, maxBytes }: Missing): Promise<boolean> {
    const { state, documents, log } = this.#components
    try {
      // It may have come in a bundle, or with an older release.
      if ((await state.document(hash)) !== undefined) return true
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(shardFetchMs)])
      await state.keepDocument(await documents.fetch(hash, undefined, signal, maxBytes))
      return true
    } catch (thrown) {
      log.debug({ reason: messageOf(thrown) }, 'a shard of the release did not come')
      return false
    }
  }
}

/** What isn't here of a release: its manifest, or those of its shards that somebody needs. */
function missingOf(release: Release, interest: () => ShardInterest): Missing[] {
  if (release.sharded === undefined || release.sharded.problem !== undefined) return []
  const manifest = shardsManifestOf(asSigned(release))
  const { devicesOf, missing } = release.sharded
  if (devicesOf === undefined) {
    return manifest === undefined ? [] : [{ hash: fromHex(manifest), maxBytes: limits.shardManifest }]
  }
  if (missing.length === 0) return []
  return neededShards(missing, interest()).map(({ entry }) => ({ hash: entry.hash, maxBytes: entry.size }))
}

/** What a member needs of a sharded release. */
function interestOf(
  release: Release,
  { name, site, role }: Pick<Certificate, 'name' | 'site' | 'role'>,
  directory: Pick<Directory, 'members'>,
): ShardInterest {
  // Who may go on alone chooses among all that it can reach.
  const isolated = (release.rollout?.isolated ?? rolloutDefaults.isolated) !== 'wait'
  if (role !== 'device' || isolated) return { all: true, devices: [] }
  const mates =
    site === undefined ? [] : directory.members().filter(each => each.role === 'device' && each.site === site)
  return { all: false, devices: [name, ...mates.map(each => each.name)], waves: wavesBefore(release, name) }
}

/** The waves that have to prove themselves before a device's own. */
function wavesBefore(release: Release, name: string): ShardInterest['waves'] {
  const own = release.sharded?.waves.get(name)
  if (own === undefined || release.rollout === undefined) return undefined
  const promoted = release.promotes === undefined ? 0 : (release.promotes.waves ?? own)
  return own <= Math.max(1, promoted) ? undefined : { from: Math.max(1, promoted), to: own - 1 }
}
