/** The answer of `thymesh log`: who signed what and when, out of the signed documents that this controller keeps. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { fromHex } from '../../protocol/encoding/hash.ts'
import { revocationsCodec } from '../../protocol/members/revocations.ts'
import { releaseCodec } from '../../protocol/release/release.ts'
import { readEnvelope } from '../../protocol/signing/dsse.ts'
import type { PublicKey } from '../../protocol/signing/keys.ts'
import { keyIdOf, verifySignature } from '../../protocol/signing/keys.ts'
import { fleetFields, operatorOf, releaseTarget, revocationsTarget } from '../../protocol/trust/fleet.ts'
import { contentBytes, type Loaded, parseMetadata } from '../../protocol/trust/metadata.ts'
import { proposalCodec, statementKind } from '../../protocol/trust/proposal.ts'
import { lifetimes } from '../../protocol/trust/publish.ts'
import { roleOf } from '../../protocol/trust/role-keys.ts'
import { siteReleaseTarget } from '../../protocol/trust/site-roles.ts'
import { sitesOf } from '../../protocol/trust/sites.ts'
import type { AuditLog, LogEvent } from '../api/schemas/trust.ts'
import type { AuditEntry, AuditTrail } from '../fleet/audit-trail.ts'
import { siteChanges } from '../format/site-changes.ts'
import type { Session } from '../session/session.ts'

export async function queryLog({ peer, audit }: Session): Promise<AuditLog> {
  return { events: await auditLog(peer, audit) }
}

/** All events, oldest first. */
export async function auditLog(peer: Pick<ControllerPeer, 'state'>, trail: AuditTrail): Promise<LogEvent[]> {
  await trail.settled()
  const roots = await allRoots(peer)
  const events = [...roots.map((root, at) => rootEvent(root, roots[at - 1]))]
  let revokedBefore = new Set<string>()
  // The targets before a site's metadata name the keys that count for it.
  let delegating: Loaded<'targets'> | undefined
  for (const entry of await trail.entries()) {
    const root = roots[entry.root - 1]
    if (root === undefined) continue
    const before = delegating
    if (entry.targets !== undefined) delegating = parseMetadata('targets', entry.targets)
    if (entry.site !== undefined)
      events.push(
        await siteEvent(peer, root, delegating ?? peer.state.accepted?.trusted.targets, entry.site, entry.seen),
      )
    if (entry.targets !== undefined && delegating !== undefined)
      events.push(await fleetEvent(peer, root, delegating, before, entry.seen))
    if (entry.members === undefined) continue
    const { event, revoked } = await membersEvent(peer, root, entry.members, entry.seen, revokedBefore)
    revokedBefore = revoked
    events.push(event)
  }
  for (const { id, bytes } of await trail.proposals()) events.push(...statementEvents(id, bytes, roots))
  return events.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : order.indexOf(a.what) - order.indexOf(b.what)))
}

/** Of one second: what comes after what. */
const order: readonly LogEvent['what'][] = ['proposed', 'approved', 'rejected', 'root', 'release', 'members']

async function allRoots(peer: Pick<ControllerPeer, 'state'>): Promise<Loaded<'root'>[]> {
  const roots: Loaded<'root'>[] = []
  for (let version = 1; ; version++) {
    const bytes = await peer.state.root(version)
    if (bytes === undefined) return roots
    roots.push(parseMetadata('root', bytes))
  }
}

function rootEvent(root: Loaded<'root'>, before: Loaded<'root'> | undefined): LogEvent {
  const { created, operators = {} } = fleetFields(root)
  const keys = [...roleOf(before ?? root, 'root').keys, ...roleOf(root, 'root').keys]
  const names = Object.keys(operators).join(', ')
  return {
    // Roots of fleets that were founded before roots said when: by their expiry.
    at: created ?? timeText(new Date(Date.parse(root.signed.expires) - lifetimes.root * 86_400_000)),
    atIs: 'signed',
    what: 'root',
    version: root.signed.version,
    site: null,
    signers: signersAmong(root, keys, [root, ...(before ? [before] : [])]),
    message: `operators: ${names || 'no names'}; expires ${root.signed.expires}`,
    proposal: null,
  }
}

/** The release that some targets metadata names; its date and message only if its document is here. */
async function releaseEvent(
  peer: Pick<ControllerPeer, 'state'>,
  targets: Loaded<'targets'>,
  about: { site: string | null; target: string; signers: LogEvent['signers']; changes: string[]; seen: string },
): Promise<LogEvent> {
  const hash = targets.signed.targets[about.target]?.hashes.sha256
  const document = hash === undefined ? undefined : await peer.state.document(fromHex(hash))
  const release = document && releaseCodec.decode(document)
  return {
    at: release?.created ?? about.seen,
    atIs: release ? 'signed' : 'seen',
    what: 'release',
    version: targets.signed.version,
    site: about.site,
    signers: about.signers,
    message: [...about.changes, release?.message ?? ''].filter(Boolean).join('; '),
    proposal: null,
  }
}

function fleetEvent(
  peer: Pick<ControllerPeer, 'state'>,
  root: Loaded<'root'>,
  targets: Loaded<'targets'>,
  before: Loaded<'targets'> | undefined,
  seen: string,
): Promise<LogEvent> {
  const signers = signersAmong(targets, roleOf(root, 'targets').keys, [root])
  const changes = siteChanges(sitesOf(before), sitesOf(targets))
  return releaseEvent(peer, targets, { site: null, target: releaseTarget, signers, changes, seen })
}

/** A release by a site's own operators; of operators that the root doesn't name, only the keys are known. */
function siteEvent(
  peer: Pick<ControllerPeer, 'state'>,
  root: Loaded<'root'>,
  delegating: Loaded<'targets'> | undefined,
  { name, metadata }: NonNullable<AuditEntry['site']>,
  seen: string,
): Promise<LogEvent> {
  const loaded = parseMetadata('targets', metadata)
  const signers = signersAmong(loaded, sitesOf(delegating).get(name)?.keys ?? [], [root])
  return releaseEvent(peer, loaded, { site: name, target: siteReleaseTarget(name), signers, changes: [], seen })
}

async function membersEvent(
  peer: Pick<ControllerPeer, 'state'>,
  root: Loaded<'root'>,
  bytes: Uint8Array,
  seen: string,
  before: ReadonlySet<string>,
): Promise<{ event: LogEvent; revoked: Set<string> }> {
  const members = parseMetadata('targets', bytes)
  const hash = members.signed.targets[revocationsTarget]?.hashes.sha256
  const document = hash === undefined ? undefined : await peer.state.document(fromHex(hash))
  const revoked = new Set(document ? revocationsCodec.decode(document).peers : before)
  const fresh = [...revoked].filter(each => !before.has(each))
  const keys = (fleetFields(root).members?.keys ?? []).map(fromHex)
  const event: LogEvent = {
    at: seen,
    atIs: 'seen',
    what: 'members',
    version: members.signed.version,
    site: null,
    signers: signersAmong(members, keys, [root]),
    message: fresh.length > 0 ? `revoked ${fresh.join(', ')}` : `${revoked.size} revoked`,
    proposal: null,
  }
  return { event, revoked }
}

function statementEvents(id: string, bytes: Uint8Array, roots: readonly Loaded<'root'>[]): LogEvent[] {
  const proposal = proposalCodec.decode(bytes)
  const part = proposal.targets ?? proposal.members ?? proposal.root ?? proposal.site?.metadata
  const version = part
    ? (JSON.parse(Buffer.from(part).toString()) as { signed: { version: number } }).signed.version
    : 0
  return proposal.statements.flatMap(envelope => {
    const { document } = readEnvelope(statementKind, envelope)
    if (Buffer.compare(document.proposal, fromHex(id)) !== 0) return []
    const { at, verdict, key, message } = document
    const operator = operatorIn(roots, key)
    const signer = operator === undefined ? { operator: null, key, claims: document.operator } : { operator, key }
    const event: LogEvent = {
      at,
      atIs: 'signed',
      what: verdict,
      version,
      site: proposal.site?.name ?? null,
      signers: [signer],
      message,
      proposal: id,
    }
    return [event]
  })
}

function signersAmong(
  { metadata, signed }: Loaded<'root' | 'targets'>,
  keys: readonly PublicKey[],
  roots: readonly Loaded<'root'>[],
): LogEvent['signers'] {
  const ids = new Map(keys.map(key => [keyIdOf(key), key]))
  return [...ids]
    .filter(([id, key]) => {
      const sig = metadata.signatures[id]?.sig
      return sig !== undefined && /^[0-9a-f]+$/.test(sig) && verifySignature(key, contentBytes(signed), fromHex(sig))
    })
    .map(([key]) => ({ operator: operatorIn(roots, key) ?? null, key }))
}

function operatorIn(roots: readonly Loaded<'root'>[], key: string): string | undefined {
  for (const root of roots.toReversed()) {
    const name = operatorOf(root, key)
    if (name !== undefined) return name
  }
  return undefined
}
