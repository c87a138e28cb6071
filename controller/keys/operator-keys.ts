/** An operator's signing keys for one fleet: a file for each role, and one more for each that a rotation brings. */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../../node/files/durable-file.ts'
import { isMissing, unlessMissing } from '../../node/files/missing.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import {
  formatNixPublicKey,
  formatNixSecretKey,
  generateNixSecretKey,
  type NixSecretKey,
  parseNixSecretKey,
} from '../../protocol/nix/signature.ts'
import { keyIdOf, newSeed, type Signer, seedLength, signerOf } from '../../protocol/signing/keys.ts'
import { fleetFields, membersAuthority, type RoleName, roleNames } from '../../protocol/trust/fleet.ts'
import type { FleetKeys } from '../../protocol/trust/publish.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import { isSealed, KeyFileError, type Passphrase, readKeyFile, type Seal, writeKeyFile } from './key-file.ts'
import { passphrases } from './passphrase.ts'

/** Keys of a fleet that is being founded, or of an operator who joins one. */
export interface NewKeys {
  readonly seeds: Record<RoleName, Uint8Array>
  readonly nix: NixSecretKey
}

export function newKeys(nixName: string): NewKeys {
  return {
    seeds: { root: newSeed(), targets: newSeed(), snapshot: newSeed(), timestamp: newSeed(), members: newSeed() },
    nix: generateNixSecretKey(nixName),
  }
}

export function signersOf({ seeds }: NewKeys): FleetKeys {
  return {
    root: signerOf(seeds.root),
    targets: signerOf(seeds.targets),
    snapshot: signerOf(seeds.snapshot),
    timestamp: signerOf(seeds.timestamp),
    members: signerOf(seeds.members),
  }
}

/** The keys that an operator has, by role, oldest first: after a rotation the old ones are still there. */
export type Signers = Readonly<Record<RoleName, readonly Signer[]>>

const fileName = /^(root|targets|snapshot|timestamp|members|nix)(?:\.(\d+))?\.key$/

export class OperatorKeys {
  readonly directory: string
  readonly #passphrase: Passphrase

  constructor(directory: string, passphrase: Passphrase) {
    this.directory = directory
    this.#passphrase = passphrase
  }

  /** Key files by role, oldest first. */
  async files(role: RoleName | 'nix'): Promise<string[]> {
    const names = await unlessMissing(readdir(this.directory))
    return (names ?? [])
      .flatMap(name => {
        const [, of, generation = '1'] = fileName.exec(name) ?? []
        return of === role ? [{ name, generation: Number(generation) }] : []
      })
      .sort((a, b) => a.generation - b.generation)
      .map(({ name }) => join(this.directory, name))
  }

  /** The name that the operator chose; nothing where none was noted. */
  async operator(): Promise<string | undefined> {
    const text = await readFile(this.#operatorFile, 'utf8').catch(() => undefined)
    return text?.trim() || undefined
  }

  async noteOperator(name: string): Promise<void> {
    await replaceFile(this.#operatorFile, `${name}\n`)
  }

  get #operatorFile(): string {
    return join(this.directory, 'operator')
  }

  async sealed(): Promise<boolean> {
    const [first] = await this.files('root')
    return first !== undefined && (await isSealed(first)) === true
  }

  /** Whether to read them a person would have to be asked. */
  async needsAsking(): Promise<boolean> {
    return (await this.sealed()) && !passphrases.known
  }

  /** Those of the members role, oldest first, and of many the newest: what one signs must outlast a new root. */
  async membersKeys(): Promise<readonly Signer[]> {
    return (await this.signers()).members.slice(-limits.memberSignatures)
  }

  /** All keys that are here. */
  async signers(): Promise<Signers> {
    const entries = await Promise.all(
      roleNames.map(async role => {
        const files = await this.files(role)
        return [role, await Promise.all(files.map(file => this.#signer(file, role)))] as const
      }),
    )
    return Object.fromEntries(entries) as unknown as Signers
  }

  /** The secrets of all signing keys as their files hold them, to be sealed anew. */
  async secrets(): Promise<{ file: string; role: RoleName; secret: string }[]> {
    const files = await Promise.all(roleNames.map(async role => (await this.files(role)).map(file => ({ file, role }))))
    return await Promise.all(
      files.flat().map(async each => ({ ...each, secret: await this.#text(each.file, each.role) })),
    )
  }

  /** One key for each role, of those that the fleet names where it is known; throws a KeyFileError when one is missing. */
  async forRoles(): Promise<FleetKeys> {
    const [signers, active] = await Promise.all([this.signers(), this.#active()])
    const chosen = roleNames.map(role => {
      const [first] = signers[role]
      const signer = signers[role].findLast(({ keyId }) => active.includes(keyId)) ?? first
      if (signer === undefined) throw noKey(role, join(this.directory, `${role}.key`))
      return [role, signer] as const
    })
    return Object.fromEntries(chosen) as unknown as FleetKeys
  }

  async nixKeys(): Promise<NixSecretKey[]> {
    const files = await this.files('nix')
    const texts = await Promise.all(files.map(file => this.#text(file, 'nix')))
    return texts.map(parseNixSecretKey)
  }

  /** The key that signs store paths: one that the fleet names, where it is known. */
  async nixKey(): Promise<NixSecretKey> {
    const [keys, active] = await Promise.all([this.nixKeys(), this.#active()])
    const key = keys.findLast(each => active.includes(formatNixPublicKey(each))) ?? keys[0]
    if (key === undefined) throw noKey('nix', join(this.directory, 'nix.key'))
    return key
  }

  /** Writes new keys beside what is there; fails rather than to replace one. */
  async write(keys: NewKeys, seal: Seal | undefined): Promise<string[]> {
    const written: string[] = []
    for (const role of [...roleNames, 'nix'] as const) {
      const before = await this.files(role)
      const last = fileName.exec(before.at(-1)?.split('/').at(-1) ?? '')?.[2] ?? '1'
      const file = join(this.directory, before.length === 0 ? `${role}.key` : `${role}.${Number(last) + 1}.key`)
      const secret = role === 'nix' ? formatNixSecretKey(keys.nix) : Buffer.from(keys.seeds[role]).toString('base64')
      await writeKeyFile(file, role, secret, seal)
      written.push(file)
    }
    return written
  }

  /** Notes which keys the fleet names now, for what runs without its metadata. */
  async noteTrusted(trusted: TrustedSet): Promise<void> {
    const ids = [
      ...Object.values(trusted.root.signed.roles).flatMap(({ keyIDs }) => keyIDs),
      ...membersAuthority(trusted).keys.map(keyIdOf),
      ...fleetFields(trusted.root).nixPublicKeys,
      ...Object.values(fleetFields(trusted.root).siteNixKeys ?? {}).flat(),
    ]
    const text = `${JSON.stringify([...new Set(ids)].sort(), null, 2)}\n`
    const file = this.#activeFile
    const before = await readFile(file, 'utf8').catch(() => undefined)
    if (before !== text && (await this.files('root')).length > 0) await replaceFile(file, text)
  }

  /** Whether the fleet names a key, as far as was noted; nothing before anything was. */
  async counts({ keyId }: Signer): Promise<boolean | undefined> {
    const active = await this.#active()
    return active.length === 0 ? undefined : active.includes(keyId)
  }

  get #activeFile(): string {
    return join(this.directory, 'active.json')
  }

  async #active(): Promise<string[]> {
    try {
      return JSON.parse(await readFile(this.#activeFile, 'utf8')) as string[]
    } catch {
      return []
    }
  }

  async #signer(file: string, role: RoleName): Promise<Signer> {
    const seed = new Uint8Array(Buffer.from(await this.#text(file, role), 'base64'))
    if (seed.length === seedLength) return signerOf(seed)
    throw new KeyFileError('malformed', `expected a seed of ${seedLength} bytes in base64 in ${file}`, {
      hint: 'Restore the file from a backup.',
    })
  }

  async #text(file: string, role: string): Promise<string> {
    try {
      return await readKeyFile(file, role, this.#passphrase)
    } catch (thrown) {
      if (thrown instanceof ThymeshError) throw thrown
      throw noKey(role, file, thrown)
    }
  }
}

export function noKey(role: string, file: string, thrown?: unknown): KeyFileError {
  const isThere = thrown !== undefined && !isMissing(thrown)
  const message = isThere ? messageOf(thrown) : `expected the fleet's ${role} key in ${file}, found none`
  return new KeyFileError('no-keys', message, {
    hint: 'Use the machine of `thymesh init` or `thymesh key new`, or set THYMESH_HOME to the folder with the keys.',
    cause: thrown,
  })
}
