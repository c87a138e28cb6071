/** The answer of `thymesh members`: the members of the fleet, and those whose membership was revoked. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { grantKind, tokenIdOf } from '../../protocol/members/join-token.ts'
import { readEnvelope } from '../../protocol/signing/dsse.ts'
import type { MemberRow, Members } from '../api/schemas/members.ts'
import { sortedByName } from '../format/name-order.ts'
import type { Decision } from '../members/decide.ts'
import { lastSeenOf } from '../session/last-seen.ts'
import type { Session } from '../session/session.ts'
import { alarmsOf } from './alarms.ts'

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
      lastSeen: lastSeenOf(peer, certificate.peer),
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
  const nameOf = ({ name, peer }: MemberRow) => name ?? peer
  return [...sortedByName(rows, nameOf), ...sortedByName(gone, nameOf)]
}

function tokenOf({ grant, token }: Certificate): string | null {
  return grant === undefined ? (token ?? null) : tokenIdOf(readEnvelope(grantKind, grant).document)
}
