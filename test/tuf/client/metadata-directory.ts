/** Trusted metadata as files of a folder, a role each: what was accepted, byte for byte as it came. */

import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { MetaFile } from '@tufjs/models'
import { ThymeshError } from '../../../protocol/errors.ts'
import { MetadataError, parseMetadata } from '../../../protocol/trust/metadata.ts'
import {
  TrustError,
  type TrustedSet,
  trustRoot,
  updateTargets,
  updateTimestamp,
} from '../../../protocol/trust/trusted-set.ts'
import { matchesLengthAndHashes, signersOf } from '../../../protocol/trust/verify.ts'
import { tufRules } from './rules.ts'

export class MetadataDirectoryError extends ThymeshError<'no-root'> {}

export class MetadataDirectory {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Begins with a root that its holder trusts; it is verified when it is loaded. */
  async initialise(root: Uint8Array): Promise<void> {
    await mkdir(this.#directory, { recursive: true })
    await this.#write('root', root)
  }

  /** Metadata that was accepted before and that the root still authorises; only the root itself must exist and be valid. */
  async load(): Promise<TrustedSet> {
    const root = await this.#read('root')
    if (root === undefined) {
      throw new MetadataDirectoryError('no-root', `expected a trusted root in ${this.#directory}, found none`)
    }
    let set = trustRoot(root, tufRules)
    set = await this.#recall(set, 'timestamp', updateTimestamp)
    set = await this.#recall(set, 'snapshot', recallSnapshot)
    return await this.#recall(set, 'targets', updateTargets)
  }

  /** A delegated role that was accepted before, if it is the one that the snapshot names; for the search to verify anew. */
  async bytesOf(role: string, meta: MetaFile): Promise<Uint8Array | undefined> {
    const bytes = await this.#read(role)
    if (bytes === undefined || !matchesLengthAndHashes(meta, bytes)) return undefined
    try {
      return parseMetadata('targets', bytes, tufRules).signed.version === meta.version ? bytes : undefined
    } catch {
      return undefined
    }
  }

  /** Keeps a role as it was accepted; `root` last of all that changes with it, so that no crash leaves what it forgets. */
  async keep(role: string, set: TrustedSet): Promise<void> {
    if (role === 'root') {
      if (set.timestamp === undefined) await rm(this.#file('timestamp'), { force: true })
      if (set.snapshot === undefined) await rm(this.#file('snapshot'), { force: true })
    }
    const top = { root: set.root, timestamp: set.timestamp, snapshot: set.snapshot, targets: set.targets }
    const loaded = isTop(role) ? top[role] : set.delegated[role]
    if (loaded !== undefined) await this.#write(role, loaded.bytes)
  }

  async #recall(
    set: TrustedSet,
    role: string,
    update: (set: TrustedSet, bytes: Uint8Array, time: undefined) => TrustedSet,
  ): Promise<TrustedSet> {
    const bytes = await this.#read(role)
    if (bytes === undefined) return set
    try {
      return update(set, bytes, undefined)
    } catch (thrown) {
      // By keys that have been replaced, or of another snapshot: as good as none.
      if (thrown instanceof TrustError || thrown instanceof MetadataError) return set
      throw thrown
    }
  }

  async #read(role: string): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await readFile(this.#file(role)))
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined
      throw thrown
    }
  }

  async #write(role: string, bytes: Uint8Array): Promise<void> {
    const draft = `${this.#file(role)}.new`
    const handle = await open(draft, 'w')
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, this.#file(role))
  }

  /** A role's name may hold anything; a file's may not. */
  #file(role: string): string {
    return join(this.#directory, `${encodeURIComponent(role)}.json`)
  }
}

function isTop(role: string): role is 'root' | 'timestamp' | 'snapshot' | 'targets' {
  return ['root', 'timestamp', 'snapshot', 'targets'].includes(role)
}

/**
 * A snapshot that was accepted before and is only loaded again: signed as the root asks now, but perhaps older than the
 * timestamp says by now. Its list still protects from rollback.
 */
function recallSnapshot(trusted: TrustedSet, bytes: Uint8Array): TrustedSet {
  const snapshot = parseMetadata('snapshot', bytes, trusted.rules)
  const { signers, threshold } = signersOf(trusted.root.metadata, 'snapshot', snapshot.metadata)
  if (threshold === undefined || signers.length < threshold)
    throw new TrustError('not-signed', "the kept snapshot isn't signed as the root asks")
  return { ...trusted, snapshot }
}
