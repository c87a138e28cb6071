/** A TUF client over HTTP: the same workflow that the mesh runs over gossip, for repositories that lie on a server. */

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ThymeshError } from '../../../protocol/errors.ts'
import { type AcceptedRole, type MetadataFetcher, refresh } from '../../../protocol/trust/refresh.ts'
import type { TrustedSet } from '../../../protocol/trust/trusted-set.ts'
import { matchesLengthAndHashes } from '../../../protocol/trust/verify.ts'
import { findTarget } from './find-target.ts'
import { HttpSource } from './http-source.ts'
import { MetadataDirectory } from './metadata-directory.ts'
import { tufRules } from './rules.ts'

export class TufClientError extends ThymeshError<'no-target'> {}

export interface TufClientInit {
  /** Where trusted metadata is kept. */
  metadataDirectory: string
  metadataUrl: string
  targetUrl?: string
  /** One moment for the whole of its life: metadata must not expire while it is checked (specification §5.1). */
  now: Date
}

export class TufClient {
  readonly #init: TufClientInit
  readonly #kept: MetadataDirectory
  readonly #source: HttpSource
  #trusted: TrustedSet | undefined

  constructor(init: TufClientInit) {
    const { metadataUrl, targetUrl } = init
    this.#init = init
    this.#kept = new MetadataDirectory(init.metadataDirectory)
    this.#source = new HttpSource({
      metadataUrl,
      ...(targetUrl !== undefined && { targetUrl }),
      rules: tufRules,
      consistentSnapshot: () => this.#trusted?.root.signed.consistentSnapshot ?? true,
    })
  }

  /** Brings the top-level roles up to date. Metadata that was accepted on the way stays after a later failure. */
  async refresh(): Promise<void> {
    this.#trusted = await this.#kept.load()
    this.#trusted = await refresh(this.#trusted, this.#source, this.#init.now, this.#accepted)
  }

  /** Fetches target files into a folder, one after the other; one that is there already is not fetched again. */
  async download(paths: readonly string[], directory: string): Promise<void> {
    await this.refresh()
    await mkdir(directory, { recursive: true })
    for (const path of paths) await this.#download(path, join(directory, encodeURIComponent(path)))
  }

  async #download(path: string, file: string): Promise<void> {
    if (this.#trusted === undefined) throw new RangeError('expected a refresh before')
    const found = await findTarget(this.#trusted, path, this.#withKept(), this.#init.now, this.#accepted)
    this.#trusted = found.trusted
    if (found.file === undefined) throw new TufClientError('no-target', `no role of the repository names ${path}`)
    const before = await readFile(file).catch(() => undefined)
    // A hash that we can't compute proves nothing, so there must be one that we can.
    if (before !== undefined && matchesLengthAndHashes(found.file, before)) return
    const bytes = await this.#source.target(path, found.file)
    await writeFile(`${file}.new`, bytes)
    await rename(`${file}.new`, file)
  }

  /** A role that was accepted in an earlier run and still is the named one needs no request. */
  #withKept(): MetadataFetcher {
    const source = this.#source
    return {
      root: version => source.root(version),
      timestamp: () => source.timestamp(),
      snapshot: meta => source.snapshot(meta),
      targets: async (role, meta) => (await this.#kept.bytesOf(role, meta)) ?? (await source.targets(role, meta)),
    }
  }

  readonly #accepted: AcceptedRole = async (role, set) => {
    this.#trusted = set
    await this.#kept.keep(role, set)
  }
}
