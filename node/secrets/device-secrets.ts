/**
 * A device's secrets through an update: ciphertexts are fetched and kept in the state, decrypted into a tmpfs before the
 * new system is activated, brought back when it fails, and installed again at each start of the machine.
 */

import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { equalBytes, sha256, toHex } from '../../protocol/encoding/hash.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import { replaceFile } from '../files/durable-file.ts'
import { assignOwners, installSecrets, openSecret, type PlainSecret, removeSecrets } from './install.ts'
import { type Manifest, type Manifests, manifestFor, manifestsSchema, type SecretFile } from './manifest.ts'
import { SecretError } from './secret-error.ts'

export interface DeviceSecretsComponents {
  /** Brings a document by its SHA-256; what it brings is checked. */
  fetch(hash: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>
  identities(): readonly string[]
}

export class DeviceSecrets {
  readonly #directory: string
  readonly #root: string | undefined
  readonly #components: DeviceSecretsComponents

  /** `state` is the device's state directory, `root` its root where that isn't `/`. */
  constructor(components: DeviceSecretsComponents, init: { state: string; root?: string | undefined }) {
    this.#components = components
    this.#directory = join(init.state, 'secrets')
    this.#root = init.root
  }

  /** Whether the config wants other secrets than those that are installed. */
  async differ(config: ReleasedConfig): Promise<boolean> {
    const { current } = await this.#manifests()
    return JSON.stringify(filesOf(config)) !== JSON.stringify(current?.files ?? [])
  }

  /** Names of the config's secrets that aren't installed as it says: another document, owner or mode, or none. */
  async newIn(config: ReleasedConfig): Promise<string[]> {
    const { current } = await this.#manifests()
    const installed = new Set(current?.files.map(file => JSON.stringify(file)))
    return filesOf(config).flatMap(file => (installed.has(JSON.stringify(file)) ? [] : [file.name]))
  }

  /** Fetches ciphertexts that are not here, and sees that this device can read each. Nothing that runs is touched. */
  async take(config: ReleasedConfig, signal?: AbortSignal): Promise<void> {
    const files = filesOf(config)
    const manifests = await this.#manifests()
    if (files.length === 0 && manifests.current === undefined) return
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    for (const [name, { document }] of Object.entries(config.secrets ?? {})) {
      const hash = hashOfCid(document)
      const known = await this.#ciphertext(toHex(hash))
      const bytes = known ?? (await this.#components.fetch(hash, signal))
      await openSecret(bytes, name, this.#components.identities())
      if (known === undefined) await replaceFile(join(this.#directory, `${toHex(hash)}.secret`), bytes)
    }
    await this.#write({ ...manifests, next: { topLevel: config.topLevel, files } })
  }

  /** Decrypts what was taken into its place, before the new system starts. */
  async installNext(): Promise<void> {
    const { next } = await this.#manifests()
    if (next !== undefined) await this.#install(next)
  }

  /**
   * Gives the installed secrets to owners that did not exist when these were installed. A file's name goes with its owner,
   * so it doesn't matter of which system it is. Throws a SecretError when one is still missing.
   */
  async assignOwners(): Promise<void> {
    const { current, next } = await this.#manifests()
    await assignOwners([...(current?.files ?? []), ...(next?.files ?? [])], this.#root)
  }

  /** The new system is the one that boots: so are its secrets. Gives the files that are others than they were. */
  async commit(): Promise<string[]> {
    const { current, next } = await this.#manifests()
    if (next === undefined) return []
    await this.#write({ v: 1, current: next })
    const before = new Map(current?.files.map(file => [file.name, JSON.stringify(file)]))
    const changed = next.files.filter(file => before.has(file.name) && before.get(file.name) !== JSON.stringify(file))
    const kept = new Set(next.files.map(({ document }) => `${document}.secret`))
    for (const name of await readdir(this.#directory)) {
      if (name.endsWith('.secret') && !kept.has(name)) await rm(join(this.#directory, name), { force: true })
    }
    return changed.map(({ name }) => name)
  }

  /** The old system runs again, or is about to, and gets its own secrets back. Gives those that were others or away. */
  async restore(): Promise<string[]> {
    const { current, next } = await this.#manifests()
    if (next === undefined) return []
    if (current === undefined) await removeSecrets(this.#root)
    else await this.#install(current)
    await this.#write({ v: 1, ...(current && { current }) })
    const tried = new Map(next.files.map(file => [file.name, JSON.stringify(file)]))
    return (current?.files ?? []).filter(file => tried.get(file.name) !== JSON.stringify(file)).map(({ name }) => name)
  }

  /** How an update has ended, by what runs now. Gives the files that are others than they were. */
  async settle(running: string | undefined): Promise<string[]> {
    const { next } = await this.#manifests()
    return next?.topLevel === running ? await this.commit() : await this.restore()
  }

  /** Installs the secrets of the running system, at the start of the machine or of the daemon. Resolves to their number. */
  async installFor(running: string | undefined): Promise<number> {
    const manifest = manifestFor(await this.#manifests(), running)
    if (manifest === undefined) return 0
    await this.#install(manifest)
    return manifest.files.length
  }

  async #install({ files }: Manifest): Promise<void> {
    if (files.length === 0) return await removeSecrets(this.#root)
    const identities = this.#components.identities()
    const secrets: PlainSecret[] = []
    for (const file of files) {
      const document = await this.#ciphertext(file.document)
      if (document === undefined) {
        throw new SecretError('secret-unreadable', `the ciphertext of the secret ${file.name} is missing in the state`)
      }
      secrets.push({ ...file, bytes: await openSecret(document, file.name, identities) })
    }
    try {
      await installSecrets(secrets, { root: this.#root, identities })
    } finally {
      for (const { bytes } of secrets) bytes.fill(0)
    }
  }

  async #ciphertext(hash: string): Promise<Uint8Array | undefined> {
    const bytes = await readFile(join(this.#directory, `${hash}.secret`)).catch(() => undefined)
    return bytes !== undefined && equalBytes(sha256(bytes), Buffer.from(hash, 'hex')) ? bytes : undefined
  }

  async #manifests(): Promise<Manifests> {
    const text = await readFile(join(this.#directory, 'manifests.json'), 'utf8').catch(() => undefined)
    if (text === undefined) return { v: 1 }
    try {
      return manifestsSchema.parse(JSON.parse(text))
    } catch {
      // An unreadable file counts as none: the secrets are fetched again.
      return { v: 1 }
    }
  }

  async #write(manifests: Manifests): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    await replaceFile(join(this.#directory, 'manifests.json'), JSON.stringify(manifests))
  }
}

function filesOf(config: ReleasedConfig): SecretFile[] {
  return Object.entries(config.secrets ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { document, owner, group, mode }]) => ({
      name,
      document: toHex(hashOfCid(document)),
      ...(owner && { owner }),
      ...(group && { group }),
      ...(mode && { mode }),
    }))
}
