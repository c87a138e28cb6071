/** Detects equivocation: two signed metadata documents of one role and version. */

import { EventEmitter } from 'node:events'
import type { PeerId } from '@libp2p/interface'
import { equalBytes, fromHex, sha256Hex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import { type Loaded, parseMetadata, type RoleKind } from '../../../protocol/trust/metadata.ts'
import { siteOf, siteRole } from '../../../protocol/trust/site-roles.ts'
import { TrustError, type TrustedSet } from '../../../protocol/trust/trusted-set.ts'
import { signersOf } from '../../../protocol/trust/verify.ts'
import type { Logger } from '../../process/log.ts'
import type { EvidenceBook } from '../../state/evidence.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import type { Documents } from './documents.ts'

export interface EquivocationComponents {
  state: Pick<FleetState, 'accepted' | 'on'>
  evidence: EvidenceBook
  documents: Pick<Documents, 'ask'>
  log: Logger
}

/** A role's document whose signatures were verified. */
interface Signed {
  readonly role: string
  readonly loaded: Loaded<RoleKind>
}

interface Events {
  /** A timestamp that proves an equivocation for the first time: others should learn of it. */
  found: [Uint8Array]
}

export class Equivocation extends EventEmitter<Events> {
  readonly #components: EquivocationComponents
  /** By the timestamp's SHA-256: gossip, sync and refresh may bring the same one at once. */
  readonly #examining = new Map<string, Promise<boolean>>()

  constructor(components: EquivocationComponents) {
    super()
    this.#components = components
    components.state.on('changed', () => void this.#overtaken())
    void this.#overtaken()
  }

  /**
   * Whether two releases of one version have all required signatures, for the fleet or for this `site`; then nothing
   * new is installed. A second timestamp or snapshot alone, which one stolen key can sign, raises an alarm but stops
   * nothing.
   */
  held(site: string | undefined): boolean {
    const installed = ['targets', ...(site === undefined ? [] : [siteRole(site)])]
    return this.#components.evidence.standing('equivocation').some(({ subject }) => installed.includes(roleOf(subject)))
  }

  /**
   * Compares a timestamp, and the metadata that it names at `source`, with the accepted metadata. Stores each
   * equivocation as evidence, and resolves, for concurrent callers too, to whether one is new. Never rejects.
   */
  examine(timestamp: Uint8Array, source: PeerId | undefined): Promise<boolean> {
    const key = sha256Hex(timestamp)
    const known = this.#examining.get(key)
    if (known !== undefined) return known
    const examined = this.#examine(timestamp, source).finally(() => this.#examining.delete(key))
    this.#examining.set(key, examined)
    return examined
  }

  async #examine(timestamp: Uint8Array, source: PeerId | undefined): Promise<boolean> {
    const { state, evidence, log } = this.#components
    const trusted = state.accepted?.trusted
    if (trusted === undefined) return false
    let news = false
    try {
      for await (const theirs of this.#chain(trusted, timestamp, source)) {
        const ours = trustedRole(trusted, theirs.role)
        if (ours === undefined || ours.signed.version !== theirs.loaded.signed.version) continue
        if (equalBytes(ours.bytes, theirs.loaded.bytes) || ours.signed.equals(theirs.loaded.signed as never)) continue
        const subject = `${theirs.role} ${ours.signed.version}`
        if (await evidence.add('equivocation', subject, [ours.bytes, theirs.loaded.bytes])) news = true
      }
    } catch (thrown) {
      log.debug({ peer: source?.toString(), reason: messageOf(thrown) }, 'contradicting metadata was not examined')
    }
    if (news) this.emit('found', timestamp)
    return news
  }

  /**
   * The other side's timestamp, snapshot, targets and sites' releases, as far as each is signed and named by the one
   * before.
   */
  async *#chain(trusted: TrustedSet, bytes: Uint8Array, source: PeerId | undefined): AsyncGenerator<Signed> {
    const timestamp = signed(trusted, 'timestamp', bytes)
    yield { role: 'timestamp', loaded: timestamp }
    if (source === undefined) return
    const snapshotBytes = await this.#named(source, timestamp.signed.snapshotMeta.hashes?.sha256, limits.snapshot)
    if (snapshotBytes === undefined) return
    const snapshot = signed(trusted, 'snapshot', snapshotBytes)
    yield { role: 'snapshot', loaded: snapshot }
    const targetsBytes = await this.#named(source, snapshot.signed.meta['targets.json']?.hashes?.sha256, limits.targets)
    if (targetsBytes === undefined) return
    const targets = signed(trusted, 'targets', targetsBytes)
    yield { role: 'targets', loaded: targets }
    for (const role of Object.keys(trusted.delegated)) {
      const hash = snapshot.signed.meta[`${role}.json`]?.hashes?.sha256
      if (siteOf(role) === undefined || hash === sha256Hex(trusted.delegated[role]?.bytes ?? new Uint8Array())) continue
      const bytes = await this.#named(source, hash, limits.targets)
      // Verified with our delegation: theirs may name other keys.
      if (bytes !== undefined && trusted.targets !== undefined) {
        yield { role, loaded: signed(trusted, 'targets', bytes, trusted.targets, role) }
      }
    }
  }

  async #named(source: PeerId, hash: string | undefined, maxBytes: number): Promise<Uint8Array | undefined> {
    if (hash === undefined) return undefined
    const bytes = await this.#components.documents.ask(source, { hash: fromHex(hash) }, maxBytes)
    return bytes !== undefined && sha256Hex(bytes) === hash ? bytes : undefined
  }

  /** A higher version of the role, or new keys for it, resolve the equivocation. */
  async #overtaken(): Promise<void> {
    const { state, evidence, log } = this.#components
    const trusted = state.accepted?.trusted
    for (const { kind, subject, documents, resolved } of evidence.all()) {
      if (kind !== 'equivocation' || resolved || trusted === undefined) continue
      const [role, version] = [roleOf(subject), subject.split(' ')[1]]
      const ours = trustedRole(trusted, role)
      const stands = ours?.signed.version === Number(version) && documents.some(each => equalBytes(each, ours.bytes))
      if (stands) continue
      await evidence.resolve(subject).catch(error => log.warn({ reason: messageOf(error) }, 'evidence was not stored'))
    }
  }
}

/** Parses metadata and verifies the signatures of a role of the root or of a delegation; throws if either fails. */
function signed<Kind extends 'timestamp' | 'snapshot' | 'targets'>(
  trusted: TrustedSet,
  kind: Kind,
  bytes: Uint8Array,
  delegator: Loaded<'root' | 'targets'> = trusted.root,
  role: string = kind,
): Loaded<Kind> {
  const loaded = parseMetadata(kind, bytes, trusted.rules)
  const { signers, threshold } = signersOf(delegator.metadata, role, loaded.metadata)
  if (threshold !== undefined && signers.length >= threshold) return loaded
  throw new TrustError('not-signed', `${role} metadata lacks the signatures that this fleet requires`)
}

function trustedRole(trusted: TrustedSet, role: string): Loaded<'timestamp' | 'snapshot' | 'targets'> | undefined {
  if (role === 'timestamp' || role === 'snapshot' || role === 'targets') return trusted[role]
  return Object.hasOwn(trusted.delegated, role) ? trusted.delegated[role] : undefined
}

/** The role in evidence's subject, such as `targets 7`. */
function roleOf(subject: string): string {
  return subject.split(' ')[0] ?? ''
}
