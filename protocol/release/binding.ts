/** Bindings: a Nix key's signature over all that a release says of a config, so that nothing else of it is run. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { fleetIdSchema, formatVersion, nameSchema } from '../encoding/fields.ts'
import { ThymeshError } from '../errors.ts'
import { limits } from '../limits.ts'
import { type NixPublicKey, type NixSecretKey, parseNixPublicKey, signBytes, verifyBytes } from '../nix/signature.ts'
import { type Release, type ReleasedConfig, type ReleaseExtensions, releasedConfigSchema } from './release.ts'

/** The release's extension that holds the bindings: signatures by name of the config. */
export const bindingExtension = 'binding'

/** What a signature covers: the config without its name, so that it may get another one in a later release. */
const statementSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  site: nameSchema.optional(),
  config: releasedConfigSchema,
})
const statementCodec = codec('binding', limits.release, statementSchema)

/** Before the statement's bytes: Nix signs only texts that begin with `1;`, so no signature counts for both. */
const domain = 'thymesh-binding;1;'

const signatureSchema = z.string().max(512)
const bindingsSchema = z.record(nameSchema, z.array(signatureSchema).min(1).max(limits.bindingSignatures))
/** Signatures in Nix's form, `name:base64`, by config. */
export type Bindings = Readonly<Record<string, readonly string[]>>

export class BindingError extends ThymeshError<'not-bound' | 'malformed'> {}

type Place = Pick<Release, 'fleet' | 'site'>

function statementOf({ fleet, site }: Place, config: ReleasedConfig): Uint8Array {
  const statement = statementCodec.encode({ v: 1, fleet, ...(site !== undefined && { site }), config })
  return Buffer.concat([Buffer.from(domain), statement])
}

/** Signs a config of a release of this fleet or site. */
export function bindConfig(place: Place, config: ReleasedConfig, key: NixSecretKey): string {
  return signBytes(statementOf(place, config), key)
}

/** A release's bindings; none without the extension. Throws a BindingError if it is malformed. */
export function bindingsOf({ extensions }: Pick<Release, 'extensions'>): Bindings {
  const parsed = bindingsSchema.safeParse(extensions?.values[bindingExtension] ?? {})
  if (parsed.success) return parsed.data
  throw new BindingError('malformed', 'expected lists of signatures by config in the binding of the release')
}

/** Extensions with these bindings, which are critical; without the extension if there are none. */
export function withBindings(extensions: ReleaseExtensions | undefined, bindings: Bindings): ReleaseExtensions {
  const { [bindingExtension]: _, ...values } = extensions?.values ?? {}
  const critical = (extensions?.critical ?? []).filter(name => name !== bindingExtension)
  if (Object.keys(bindings).length === 0) return { values, critical }
  return {
    values: { ...values, [bindingExtension]: { ...bindings } },
    critical: [...critical, bindingExtension].sort(),
  }
}

/** Whether one of the keys, in the form of `trusted-public-keys`, has signed this config of a release. */
export function isBound(release: Release, name: string, keys: readonly string[]): boolean {
  const bindings = bindingsOf(release)
  const config = Object.hasOwn(release.configs, name) ? release.configs[name] : undefined
  const signatures = Object.hasOwn(bindings, name) ? (bindings[name] ?? []) : []
  if (config === undefined || signatures.length === 0) return false
  const statement = statementOf(release, config)
  const usable = keys.flatMap(usableKey)
  return signatures.some(signature => verifyBytes(statement, signature, usable))
}

/**
 * What of a config can make a program run, in words: command probes, and secrets that a device doesn't have already. Units
 * may read a secret as their environment.
 */
function executableParts(config: ReleasedConfig, newSecrets: readonly string[]): string[] {
  const probes = config.policy?.health?.probes ?? []
  return [
    ...probes.flatMap(probe =>
      probe.kind === 'command' ? [`the command probe ${probe.name ?? probe.command[0]}`] : [],
    ),
    ...newSecrets.map(name => `the secret ${name}`),
  ]
}

export interface BoundFor {
  /** Nix keys that the device trusts, in the form of `trusted-public-keys`. */
  readonly keys: readonly string[]
  /** Secrets of the config that the device doesn't have as the release says. */
  readonly newSecrets: readonly string[]
  /** Whether the config's system will be activated, and its probes run. */
  readonly activates: boolean
}

/**
 * Refuses a config that could make a program run which no trusted Nix key has signed. A config without a signature that
 * fits, as the version before writes it, is accepted if it has no command probe and no secret that is new to the device.
 * Throws a BindingError.
 */
export function requireBound(release: Release, name: string, { keys, newSecrets, activates }: BoundFor): void {
  const config = release.configs[name]
  if (config === undefined || isBound(release, name, keys)) return
  const parts = executableParts(activates ? config : { ...config, policy: undefined }, newSecrets)
  if (parts.length === 0) return
  const over = `${parts.join(', ')} of the config ${name}`
  const got = Object.hasOwn(bindingsOf(release), name) ? 'one of another key or of other content' : 'none'
  throw new BindingError('not-bound', `expected a signature by the Nix key over ${over}, got ${got}`, {
    hint: 'Deploy again with this version of Thymesh: it signs what a release makes devices run.',
  })
}

/** A key that can't be parsed has signed nothing. */
function usableKey(text: string): NixPublicKey[] {
  try {
    return [parseNixPublicKey(text)]
  } catch {
    return []
  }
}
