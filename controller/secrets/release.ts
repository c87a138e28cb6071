/** Secrets in a release: decrypted here, made what devices want, and encrypted to the devices of each config. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { releasesOf } from '../../node/state/releases.ts'
import { cidOf, hashOfCid } from '../../protocol/encoding/cid.ts'
import { equalBytes, sha256 } from '../../protocol/encoding/hash.ts'
import type { Release, ReleasedConfig } from '../../protocol/release/release.ts'
import { type ReleasedSecret, secretDocumentCodec } from '../../protocol/release/secrets.ts'
import type { Registrar } from '../members/registrar.ts'
import type { CheckResult } from '../project/check.ts'
import type { DeclaredFleet, SecretUse } from '../project/declared-fleet.ts'
import { ProjectEdit } from '../project/edit.ts'
import { CheckError, type Problem } from '../project/problem.ts'
import { encryptTo } from './age.ts'
import type { OperatorIdentity } from './operator-identity.ts'
import { processed } from './process.ts'
import { type Recipients, recipientsOf } from './recipients.ts'
import { cipherFile, openSecret, requireSecret } from './vault.ts'

/** The recipients of all devices whom this controller would vouch for. */
export async function deviceRecipients({ peer, registrar }: RecipientsComponents): Promise<Recipients> {
  const held = (await registrar.decisions()).flatMap(({ kind, certificate }) =>
    kind === 'hold' ? [certificate.peer] : [],
  )
  return recipientsOf({
    certificates: peer.directory.certificates(),
    revoked: peer.state.accepted?.authority.revoked ?? new Set(),
    held: new Set(held),
    now: new Date(),
  })
}

export interface RecipientsComponents {
  readonly peer: Pick<ControllerPeer, 'directory' | 'state'>
  readonly registrar: Pick<Registrar, 'decisions'>
}

/** Throws a CheckError that names each place where a secret is set which a device of the config could not read. */
export function requireRecipients(declared: DeclaredFleet, recipients: Recipients, checked: CheckResult): void {
  const problems = Object.entries(declared.configs).flatMap(([config, { secrets, base }]) =>
    secrets.flatMap(use =>
      devicesOf(declared, config)
        .filter(device => (recipients.get(device) ?? []).length === 0)
        .map(device => missing(use, device, base ?? config, checked)),
    ),
  )
  if (problems.length > 0) throw new CheckError(problems)
}

function missing(use: SecretUse, device: string, config: string, { mentions, files }: CheckResult): Problem {
  const words = `the secret ${use.name} is for the device ${device}, which has no age recipient: it has not joined yet, or waits for a decision on its name (deploy --allow-missing-recipients lets the secret wait)`
  const own = [`configs/${config}.json`, `devices/${device}.json`]
  const named = mentions.filter(({ kind, name }) => kind === 'secret' && name === use.name)
  const mention = named.find(({ place }) => own.includes(place.json.file)) ?? named[0]
  if (mention !== undefined) return mention.place.json.problem(mention.place.path, words)
  const file = files.configs.get(config)
  return file?.json.problem([], words) ?? { file: `configs/${config}.json`, at: undefined, key: '', message: words }
}

function devicesOf(declared: DeclaredFleet, config: string): string[] {
  return Object.entries(declared.devices).flatMap(([name, device]) => (device.config === config ? [name] : []))
}

export interface SecretsComponents {
  readonly peer: Pick<ControllerPeer, 'directory' | 'state'>
  readonly recipients: Recipients
  readonly directory: string
  readonly checked: CheckResult
  /** Read when the first secret has to be decrypted. */
  readonly identity: () => Promise<OperatorIdentity>
}

/** The secrets of one config as the release names them; ciphertexts that are in use already stay as they are. */
export async function releaseSecrets(
  { peer, recipients, directory, checked, identity }: SecretsComponents,
  declared: DeclaredFleet,
  config: string,
): Promise<NonNullable<ReleasedConfig['secrets']>> {
  const known = releasesOf(peer.state.accepted).flatMap(documentsOf)
  const readers = [...new Set(devicesOf(declared, config).flatMap(device => recipients.get(device) ?? []))].sort()
  const edit = new ProjectEdit(directory)
  const released: NonNullable<ReleasedConfig['secrets']> = {}
  if (readers.length === 0) return released
  for (const use of declared.configs[config]?.secrets ?? []) {
    const about = requireSecret(checked.files, use.name)
    const processing = use.processing === 'none' ? about.processing : use.processing
    const cipher = (await edit.readBytes(cipherFile(use.name))) ?? Buffer.alloc(0)
    const source = sourceOf(cipher, processing, readers)
    const before = known.find(each => equalBytes(each.source, source))
    const there = before !== undefined && (await peer.state.document(hashOfCid(before.document))) !== undefined
    let document = there ? before : undefined
    if (document === undefined) {
      const plaintext = await processed(await openSecret(edit, use.name, await identity()), processing, use.name)
      const bytes = secretDocumentCodec.encode({ v: 1, age: await encryptTo(readers, plaintext) })
      plaintext.fill(0)
      await peer.state.keepDocument(bytes)
      document = { document: cidOf(bytes), size: bytes.length, source }
    }
    const file = use.path.slice(use.path.lastIndexOf('/') + 1)
    const { owner, group, mode } = use
    released[file] = { document: document.document, size: document.size, source, owner, group, mode }
  }
  return released
}

function documentsOf(release: Release): ReleasedSecret[] {
  return Object.values(release.configs).flatMap(({ secrets }) => Object.values(secrets ?? {}))
}

/** A digest of a ciphertext's inputs: with equal inputs, the old ciphertext is used again. */
function sourceOf(cipher: Uint8Array, processing: string, readers: readonly string[]): Uint8Array {
  return sha256(Buffer.concat([sha256(cipher), Buffer.from(JSON.stringify([processing, readers]))]))
}
