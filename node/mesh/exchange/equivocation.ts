/** Looks into metadata that contradicts what is trusted: two documents of one role and version, both signed. */

import { EventEmitter } from 'node:events'
import type { PeerId } from '@libp2p/interface'
import { equalBytes, fromHex, sha256Hex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import { type Loaded, parseMetadata, type RoleKind } from '../../../protocol/trust/metadata.ts'
import { TrustError, type TrustedSet } from '../../../protocol/trust/trusted-set.ts'
import { signersOf } from '../../../protocol/trust/verify.ts'
import type { Logger } from '../../process/log.ts'
import type { EvidenceBook } from '../../state/evidence.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import type { Documents } from './documents.ts'

export interface EquivocationComponents {
  state: Pick<FleetState, 'belief' | 'on'>
  evidence: EvidenceBook
  documents: Pick<Documents, 'ask'>
  log: Logger
}

/** A role's document, whose bytes are signed by those who may sign it. */
interface Signed {
  readonly role: string
  readonly loaded: Loaded<RoleKind>
}

interface Events {
  /** A timestamp that leads to a contradiction, for the first time: others are to know of it. */
  found: [Uint8Array]
}

export class Equivocation extends EventEmitter<Events> {
  readonly #components: EquivocationComponents

  constructor(components: EquivocationComponents) {
    super()
    this.#components = components
    components.state.on('changed', () => void this.#overtaken())
    void this.#overtaken()
  }

  /** Whether two documents that contradict each other lead to what is believed now: then nothing new is installed. */
  get held(): boolean {
    return this.#components.evidence.alarms().some(({ kind }) => kind === 'equivocation')
  }

  /**
   * Compares a timestamp, and what it leads to at `source`, with what is believed. Keeps a contradiction as evidence;
   * resolves to whether that is news. Never rejects.
   */
  async examine(timestamp: Uint8Array, source: PeerId | undefined): Promise<boolean> {
    const { state, evidence, log } = this.#components
    const trusted = state.belief?.trusted
    if (trusted === undefined) return false
    try {
      for await (const theirs of this.#chain(trusted, timestamp, source)) {
        const ours = theirs.role === 'targets' ? trusted.targets : trusted[theirs.role as 'timestamp' | 'snapshot']
        if (ours === undefined || ours.signed.version !== theirs.loaded.signed.version) continue
        if (equalBytes(ours.bytes, theirs.loaded.bytes) || ours.signed.equals(theirs.loaded.signed as never)) continue
        const subject = `${theirs.role} ${ours.signed.version}`
        const news = await evidence.add('equivocation', subject, [ours.bytes, theirs.loaded.bytes])
        if (news) this.emit('found', timestamp)
        return news
      }
    } catch (thrown) {
      log.debug({ peer: source?.toString(), reason: messageOf(thrown) }, 'contradicting metadata was not looked into')
    }
    return false
  }

  /** Timestamp, snapshot and targets of the other side, as far as they are signed and named by one another. */
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
  }

  async #named(source: PeerId, hash: string | undefined, maxBytes: number): Promise<Uint8Array | undefined> {
    if (hash === undefined) return undefined
    const bytes = await this.#components.documents.ask(source, { hash: fromHex(hash) }, maxBytes)
    return bytes !== undefined && sha256Hex(bytes) === hash ? bytes : undefined
  }

  /** A higher version of the role, or new keys for it, leave the contradiction behind. */
  async #overtaken(): Promise<void> {
    const { state, evidence, log } = this.#components
    const trusted = state.belief?.trusted
    for (const { kind, subject, documents, resolved } of evidence.all()) {
      if (kind !== 'equivocation' || resolved || trusted === undefined) continue
      const [role, version] = subject.split(' ')
      const ours = trusted[role as 'timestamp' | 'snapshot' | 'targets']
      const stands = ours?.signed.version === Number(version) && documents.some(each => equalBytes(each, ours.bytes))
      if (stands) continue
      await evidence.resolve(subject).catch(error => log.warn({ reason: messageOf(error) }, 'evidence was not kept'))
    }
  }
}

/** Metadata of a role that the root's keys have signed; throws what is wrong with it otherwise. */
function signed<Kind extends 'timestamp' | 'snapshot' | 'targets'>(
  trusted: TrustedSet,
  kind: Kind,
  bytes: Uint8Array,
): Loaded<Kind> {
  const loaded = parseMetadata(kind, bytes, trusted.rules)
  const { signers, threshold } = signersOf(trusted.root.metadata, kind, loaded.metadata)
  if (threshold !== undefined && signers.length >= threshold) return loaded
  throw new TrustError('not-signed', `${kind} metadata isn't signed as this fleet asks`)
}
