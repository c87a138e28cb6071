/** The accepted releases that a peer keeps: by version, of the fleet and of sites' operators, with their extensions. */

import { z } from 'zod'
import { codec } from '../../protocol/encoding/cbor.ts'
import { extensionsSchema } from '../../protocol/encoding/extensions.ts'
import { nameSchema } from '../../protocol/encoding/fields.ts'
import { toHex } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { asSigned } from '../../protocol/release/join-shards.ts'
import { type Release, type ReleaseExtensions, releaseCodec } from '../../protocol/release/release.ts'
import type { Change, Database, Table } from './database.ts'
import type { DocumentTable } from './document-table.ts'
import { withShards } from './sharded-release.ts'

/** A release that was accepted, and its document's SHA-256 in hex. */
export interface KeptRelease {
  readonly key: string
  /** The site, if its own operators signed the release. */
  readonly site: string | undefined
  readonly version: number
  readonly hash: string
  readonly extensions?: ReleaseExtensions | undefined
}

const keptExtensionsSchema = z.strictObject({
  values: extensionsSchema({ one: limits.releaseExtension, all: limits.releaseExtensions }),
  critical: z.array(nameSchema).max(limits.extensions),
})
const keptExtensionsCodec = codec<ReleaseExtensions>(
  "kept release's extensions",
  limits.targets,
  keptExtensionsSchema as z.ZodType<ReleaseExtensions>,
)

export class KeptReleases {
  readonly #documents: Pick<DocumentTable, 'get'>
  /** SHA-256 of each document. */
  readonly #hashes: Table
  readonly #extensions: Table

  constructor(database: Pick<Database, 'table'>, documents: Pick<DocumentTable, 'get'>) {
    this.#documents = documents
    this.#hashes = database.table('releases')
    this.#extensions = database.table('release-extensions')
  }

  /** A release by version, of the fleet or of a site's own operators. */
  async get(version: number, site?: string): Promise<Release | undefined> {
    return this.#read(keyOf(version, site), await this.#hashes.get(keyOf(version, site)))
  }

  /** Versions, ascending; of the fleet or of a site's own operators. */
  async versions(site?: string): Promise<number[]> {
    const all = (await this.all()).filter(each => each.site === site)
    return all.map(({ version }) => version).sort((a, b) => a - b)
  }

  /** Releases of sites' operators, by site and version. */
  async ofSites(): Promise<Release[]> {
    const found: Release[] = []
    for await (const [key, hash] of this.#hashes.entries()) {
      const release = /^\d+$/.test(key) ? undefined : await this.#read(key, hash)
      if (release !== undefined) found.push(release)
    }
    return found.sort((a, b) => (a.site ?? '').localeCompare(b.site ?? '') || a.version - b.version)
  }

  async all(): Promise<KeptRelease[]> {
    const kept: KeptRelease[] = []
    for await (const [key, hash] of this.#hashes.entries()) {
      const [version, site] = key.split('/').reverse()
      const extensions = await this.#extensionsOf(key)
      kept.push({ key, site, version: Number(version), hash: toHex(hash), extensions })
    }
    return kept
  }

  /** Changes that keep a release whose document has this SHA-256. */
  changes(release: Release, hash: Uint8Array | undefined): Change[] {
    const { version, site, extensions } = asSigned(release)
    const key = keyOf(version, site)
    const value = extensions && keptExtensionsCodec.encode(extensions)
    return [
      { table: 'releases', key, value: hash },
      { table: 'release-extensions', key, value },
    ]
  }

  async #extensionsOf(key: string): Promise<ReleaseExtensions | undefined> {
    const bytes = await this.#extensions.get(key)
    return bytes && keptExtensionsCodec.decode(bytes)
  }

  /** Forgets the releases whose documents are gone. */
  async sweep(): Promise<void> {
    for (const { key, hash } of await this.all()) {
      if ((await this.#documents.get(hash)) !== undefined) continue
      await this.#hashes.delete(key)
      await this.#extensions.delete(key)
    }
  }

  async #read(key: string, hash: Uint8Array | undefined): Promise<Release | undefined> {
    const bytes = hash && (await this.#documents.get(toHex(hash)))
    if (bytes === undefined) return undefined
    const extensions = await this.#extensionsOf(key)
    // Its document was read as received when it was accepted.
    const plain = { ...releaseCodec.decodeStored(bytes), ...(extensions && { extensions }) }
    return await withShards(plain, each => this.#documents.get(toHex(each)))
  }
}

/** The key of a release: a site's versions are separate from the fleet's. */
function keyOf(version: number, site?: string): string {
  return site === undefined ? String(version) : `${site}/${version}`
}
