/** Members as text: a line each, then what a person should look at. */

import type { MemberRow, Members } from '../api/schemas/members.ts'
import { ago, shortId, table } from '../format/table.ts'
import { claimantsText } from './alarms.ts'

/** `thymesh revoke` takes so many. */
const minPeerDigits = 16

const heading = ['MEMBER', 'ROLE', 'SITE', 'PEER', 'SIGNED BY', 'EXPIRES', 'STATE', 'LAST SEEN']

export function membersText({ members }: Members): string {
  const remarks = members.flatMap(row => remarksOn(row).map(remark => `${row.name ?? row.peer}: ${remark}`))
  const lines = members.map(row => [
    row.name ?? '-',
    // An operator's own controller has no token.
    row.role === 'controller' && row.token !== null ? 'viewer' : (row.role ?? '-'),
    row.site ?? '-',
    shortPeer(row.peer, members),
    signedBy(row),
    row.expires?.slice(0, 10) ?? '-',
    row.cloned ? `${row.state}, COPIED` : row.state,
    row.connected ? 'now' : ago(row.lastSeen),
  ])
  return [table(heading, lines), ...(remarks.length > 0 ? ['', ...remarks] : [])].join('\n')
}

/** A beginning that is of no other member, as commands take it. */
function shortPeer(peer: string, all: readonly MemberRow[]): string {
  const others = all.filter(row => row.peer !== peer)
  let length = minPeerDigits
  while (length < peer.length && others.some(row => row.peer.startsWith(peer.slice(0, length)))) length += 1
  return peer.slice(0, length)
}

function signedBy({ issuedBy, token }: MemberRow): string {
  if (issuedBy === null) return '-'
  return token === null ? issuedBy : `${issuedBy} (${shortId(token)})`
}

const heldBecause = {
  'name-taken':
    'another member has this name: `thymesh members renew PEER` if this one is right, else `thymesh revoke PEER`',
  'over-limit':
    'its join token has been used by too many devices: `thymesh members renew PEER` to let it stay, else `thymesh revoke PEER`',
  'bad-recipient': 'its age recipient is invalid, so no secret can be encrypted to it: `thymesh revoke PEER`',
  'too-few-keys': 'the members role needs more signatures than one operator has',
} as const

function remarksOn(row: MemberRow): string[] {
  return [
    ...(row.held === null ? [] : [`not countersigned: ${heldBecause[row.held]} (${row.peer})`]),
    ...(row.renewing && row.held === null ? ['asks for a new certificate'] : []),
    ...(row.cloned ? [`two devices have its key: revoke it, and let both join again (${row.peer})`] : []),
    ...(row.cloneClaimedBy.length === 0
      ? []
      : [
          `${claimantsText(row.cloneClaimedBy)} that two devices have its key; this controller has seen no evidence of it`,
        ]),
    ...(row.revoked === null
      ? []
      : [`revoked on ${row.revoked.at}${row.revoked.reason ? `: ${row.revoked.reason}` : ''}`]),
  ]
}
