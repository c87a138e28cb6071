/**
 * Fetches what this peer needs of a sharded release: a device its own part and that of its site, a controller or a relay all of it.
 * What it has, it serves to others as any document.
 */

import { fromHex } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { asSigned } from '../../protocol/release/join-shards.ts'
import type { Release, Sharded } from '../../protocol/release/release.ts'
import { rolloutDefaults } from '../../protocol/release/rollout-policy.ts'
import { neededShards, type ShardInterest, shardsManifestOf } from '../../protocol/release/shards.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { Documents } from '../mesh/exchange/documents.ts'
import type { Admission } from '../mesh/peers/admission.ts'
import type { OwnCertificate } from '../mesh/peers/own-certificate.ts'
import type { Logger } from '../process/log.ts'
import type { FleetState } from '../state/fleet-state.ts'
import { shardFetches, shardFetchMs, shardQuietMs, shardRetryFirstMs, shardRetryLastMs } from './limits.ts'

export interface ShardKeeperComponents {
  readonly state: Pick<FleetState, 'accepted' | 'document' | 'keepDocument' | 'takeShards' | 'on' | 'off'>
  readonly documents: Pick<Documents, 'fetch'>
  readonly directory: Pick<Directory, 'members' | 'on' | 'off'>
  readonly admission: Pick<Admission, 'on' | 'off'>
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
  #running: Promise<void> | undefined
  /** Somebody asked for a look while one was under way. */
  #again = false
  readonly #onNews = () => {
    this.#retryMs = shardRetryFirstMs
    this.#lookIn(shardQuietMs)
  }

  constructor(components: ShardKeeperComponents) {
    this.#components = components
  }

  start(): void {
    const { state, directory, admission, own } = this.#components
    state.on('changed', this.#onNews)
    directory.on('certificate', this.#onNews)
    admission.on('admitted', this.#onNews)
    own.on('renewed', this.#onNews)
    this.#onNews()
  }

  async stop(): Promise<void> {
    const { state, directory, admission, own } = this.#components
    state.off('changed', this.#onNews)
    directory.off('certificate', this.#onNews)
    admission.off('admitted', this.#onNews)
    own.off('renewed', this.#onNews)
    this.#stop.abort(new Error('the peer stops'))
    clearTimeout(this.#timer)
    await this.#running
  }

  /** Looks after so long; without a sharded release that costs nothing. */
  #lookIn(milliseconds: number): void {
    const due = performance.now() + milliseconds
    if (this.#stop.signal.aborted || this.#sharded === undefined || this.#due <= due) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => {
      this.#due = Number.POSITIVE_INFINITY
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

  get #sharded(): Sharded | undefined {
    return this.#components.state.accepted?.release.sharded
  }

  /** Never rejects. What doesn't come is asked for again, ever more rarely. */
  async #look(): Promise<void> {
    const { state, log } = this.#components
    try {
      for (let wanted = this.#wanted(); wanted.length > 0; wanted = this.#wanted()) {
        const came = await this.#fetchAll(wanted)
        if (came > 0) await state.takeShards()
        log[came === wanted.length ? 'info' : 'debug'](
          { came, of: wanted.length },
          'shards of the release were fetched',
        )
        if (came === wanted.length) continue
        this.#lookIn(this.#retryMs)
        this.#retryMs = Math.min(shardRetryLastMs, this.#retryMs * 2)
        return
      }
    } catch (thrown) {
      if (this.#stop.signal.aborted) return
      log.debug({ reason: messageOf(thrown) }, 'the shards of the release were not taken')
      this.#lookIn(shardRetryLastMs)
    }
  }

  /** What is missing: the manifest, then the shards that it names, then those of the waves that ours waits for. */
  #wanted(): Missing[] {
    const release = this.#components.state.accepted?.release
    if (release?.sharded === undefined || release.sharded.problem !== undefined) return []
    const manifest = shardsManifestOf(asSigned(release))
    if (release.sharded.devicesOf === undefined) {
      return manifest === undefined ? [] : [{ hash: fromHex(manifest), maxBytes: limits.shardManifest }]
    }
    const { missing } = release.sharded
    if (missing.length === 0) return []
    const needed = neededShards(
      missing,
      interestOf(release, this.#components.own.certificate, this.#components.directory),
    )
    return needed.map(({ entry }) => ({ hash: entry.hash, maxBytes: entry.size }))
  }

  /** Resolves to how many came. */
  async #fetchAll(wanted: readonly Missing[]): Promise<number> {
    const left = [...wanted]
    let came = 0
    const work = async () => {
      for (let next = left.pop(); next !== undefined && !this.#stop.signal.aborted; next = left.pop()) {
        if (await this.#fetch(next)) came++
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
