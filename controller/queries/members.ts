/** The answer of `thymesh members`: the members of the fleet, and those whose membership was revoked. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { grantKind, tokenIdOf } from '../../protocol/members/join-token.ts'
import { readEnvelope } from '../../protocol/signing/dsse.ts'
import { byName } from '../format/name-order.ts'
import type { Decision, HoldReason } from '../members/decide.ts'
import type { Session } from '../session/session.ts'
import { type Alarm, alarmsOf, type Claimant } from './alarms.ts'

export interface MemberRow {
  /** Nothing for a revoked one of which only the peer ID is known. */
  name: string | null
  peer: string
  role: Certificate['role'] | null
  site: string | null
  /** `members`: a controller signed it. `token`: a join token did, and a controller is to countersign it. */
  issuedBy: 'members' | 'token' | null
  /** The join token that let it in. */
  token: string | null
  issued: string | null
  expires: string | null
  state: 'member' | 'provisional' | 'expired' | 'revoked'
  revoked: { at: string; reason: string | null } | null
  lastSeen: string | null
  connected: boolean
  /** It has asked for a new certificate. */
  renewing: boolean
  /** Why no controller signs for it by itself. */
  held: HoldReason | null
  /** Two devices have its key: this controller has seen it. */
  cloned: boolean
  /** Who says so, where this controller has not seen it. */
  cloneClaimedBy: readonly Claimant[]
}

export interface Members {
  readonly fleet: string
  readonly members: readonly MemberRow[]
  readonly alarms: readonly Alarm[]
}

/** Signs first what the controller signs by itself, so that the answer has it. */
export async function queryMembers({ peer, registrar }: Session): Promise<Members> {
  await registrar.settle()
  const members = memberRows(peer, await registrar.decisions(), new Date())
  return { fleet: peer.fleet, members, alarms: alarmsOf(peer) }
}

/** One row for each member and for each that was one, by name. */
export function memberRows(peer: ControllerPeer, decisions: readonly Decision[], now: Date): MemberRow[] {
  const { directory, state, neighbours } = peer
  const held = new Map(decisions.map(({ certificate, reason }) => [certificate.peer, reason ?? null]))
  const connected = new Set(neighbours.members.map(member => member.peer))
  const clones = new Map(alarmsOf(peer).flatMap(alarm => (alarm.kind === 'clone' ? [[alarm.subject, alarm]] : [])))
  const rows = directory.certificates().map((certificate): MemberRow => {
    const report = directory.report(certificate.peer)?.document
    const provisional = certificate.grant !== undefined
    const clone = clones.get(certificate.peer)
    return {
      name: certificate.name,
      peer: certificate.peer,
      role: certificate.role,
      site: certificate.site ?? null,
      issuedBy: provisional ? 'token' : 'members',
      token: tokenOf(certificate),
      issued: certificate.issued,
      expires: certificate.expires,
      state: Date.parse(certificate.expires) <= now.getTime() ? 'expired' : provisional ? 'provisional' : 'member',
      revoked: null,
      lastSeen: report?.at ?? null,
      connected: connected.has(certificate.peer),
      renewing: report?.renew !== undefined && report.renew.age !== certificate.age,
      held: held.get(certificate.peer) ?? null,
      cloned: clone?.verified ?? false,
      cloneClaimedBy: clone?.verified ? [] : (clone?.claimedBy ?? []),
    }
  })
  const { peers = [], notes = [] } = state.accepted?.revocations ?? {}
  const lastNotes = new Map(notes.map(note => [note.subject, note]))
  const gone = peers.map((id): MemberRow => {
    const note = lastNotes.get(id)
    const nothing = { role: null, site: null, issuedBy: null, token: null, issued: null, expires: null, lastSeen: null }
    const revoked = { at: note?.at ?? '', reason: note?.reason ?? null }
    const flags = { connected: false, renewing: false, held: null, cloned: false, cloneClaimedBy: [] }
    return { name: note?.name ?? null, peer: id, state: 'revoked', revoked, ...nothing, ...flags }
  })
  const inOrder = (a: MemberRow, b: MemberRow) => byName(a.name ?? a.peer, b.name ?? b.peer)
  return [...rows.sort(inOrder), ...gone.sort(inOrder)]
}

function tokenOf({ grant, token }: Certificate): string | null {
  return grant === undefined ? (token ?? null) : tokenIdOf(readEnvelope(grantKind, grant).document)
}
