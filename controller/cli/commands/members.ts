/** `thymesh members` and `thymesh members renew`: who is a member, and new certificates. */

import { ago, shortId, table } from '../../format/table.ts'
import { tellCertificates } from '../../members/delivery.ts'
import { findMembers } from '../../members/find.ts'
import { openProject } from '../../project/project.ts'
import { alarmsOf, type MemberRow, viewMembers } from '../../queries/members.ts'
import { takeNews, withSession } from '../shell/context.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'
import type { Query } from '../shell/questions.ts'
import { show } from '../shell/reader.ts'

export async function members(options: ProjectOptions & { wait: number }): Promise<undefined> {
  return await show('members', options, {})
}

export const membersQuery: Query<object> = async ({ peer, registrar }) => {
  await registrar.settle()
  const rows = viewMembers(peer, await registrar.decisions(), new Date())
  return { json: { fleet: peer.fleet, members: rows, alarms: alarmsOf(peer) }, text: membersText(rows) }
}

export interface RenewOptions extends ProjectOptions {
  wait: number
  members: string[]
}

export async function renew(options: RenewOptions): Promise<undefined> {
  const project = await openProject(options.project)
  return await withSession(project, options, async session => {
    const { peer, registrar, home } = session
    const signed: { name: string; peer: string; expires: string }[] = []
    registrar.on('decided', ({ kind, certificate: { name, peer: id } }) => {
      const expires = peer.directory.certificate(id)?.document.expires
      if (kind !== 'hold' && expires !== undefined) signed.push({ name, peer: id, expires })
    })
    await takeNews(session, options, options.wait)
    if (options.members.length === 0) await registrar.settle()
    else {
      const chosen = findMembers(peer, options.members).map(each => each.peer)
      await registrar.sign(
        chosen.filter(id => !signed.some(each => each.peer === id)),
        await home.keys(),
      )
    }
    const told = await tellCertificates(peer)
    if (signed.length > 0) note(options, `Told ${told} connected peers; they pass it on.`)
    const lines = signed.map(({ name, peer: id, expires }) => [name, shortId(id), expires])
    const text =
      signed.length === 0 ? 'Nobody asks for a new certificate.' : table(['MEMBER', 'PEER', 'EXPIRES'], lines)
    print(options, { signed, told }, text)
    return undefined
  })
}

const heading = ['MEMBER', 'ROLE', 'SITE', 'PEER', 'SIGNED BY', 'EXPIRES', 'STATE', 'LAST SEEN']

function membersText(rows: readonly MemberRow[]): string {
  const remarks = rows.flatMap(row => remarksOn(row).map(remark => `${row.name ?? row.peer}: ${remark}`))
  const lines = rows.map(row => [
    row.name ?? '-',
    row.role ?? '-',
    row.site ?? '-',
    shortId(row.peer),
    signedBy(row),
    row.expires?.slice(0, 10) ?? '-',
    row.cloned ? `${row.state}, COPIED` : row.state,
    row.connected ? 'now' : ago(row.lastSeen),
  ])
  return [table(heading, lines), ...(remarks.length > 0 ? ['', ...remarks] : [])].join('\n')
}

function signedBy({ issuedBy, token }: MemberRow): string {
  if (issuedBy === null) return '-'
  return token === null ? issuedBy : `${issuedBy} (${shortId(token)})`
}

const heldBecause = {
  'name-taken':
    'another member has this name: `thymesh members renew PEER` if this one is right, else `thymesh revoke PEER`',
  'over-limit':
    'its join token was for fewer devices: `thymesh members renew PEER` to let it stay, else `thymesh revoke PEER`',
  'bad-recipient': 'its age recipient is none, so no secret can be encrypted to it: `thymesh revoke PEER`',
  'too-few-keys': 'the members role asks for more signatures than one operator has',
} as const

function remarksOn(row: MemberRow): string[] {
  return [
    ...(row.held === null ? [] : [`not countersigned: ${heldBecause[row.held]} (${row.peer})`]),
    ...(row.renewing && row.held === null ? ['asks for a new certificate'] : []),
    ...(row.cloned ? [`two devices have its key: revoke it, and let both join anew (${row.peer})`] : []),
    ...(row.revoked === null
      ? []
      : [`revoked on ${row.revoked.at}${row.revoked.reason ? `: ${row.revoked.reason}` : ''}`]),
  ]
}
