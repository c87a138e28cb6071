/** Members whom a proposed root cuts off: which of them stay, and their new certificates. */

import type { Certificate } from '../../../protocol/members/certificate.ts'
import type { VerifiedProposal } from '../../../protocol/trust/proposals.ts'
import { membersOf } from '../../../protocol/trust/role-keys.ts'
import { table } from '../../format/table.ts'
import { isNamed, keptOf, orphanedBy } from '../../members/orphans.ts'
import type { Session } from '../../session/session.ts'
import { confirm } from '../shell/confirm.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { note } from '../shell/output.ts'

export interface KeepOptions extends ProjectOptions {
  /** Operators whose keys the root removes. */
  remove: string[]
  /** Names, patterns or peer IDs of members that stay although a removed operator's key signed them. */
  keep: string[]
  yes: boolean
}

/** Members, by name, whose certificates were signed anew, and those whom the new root cuts off. */
export interface Kept {
  readonly renewed: readonly string[]
  readonly cutOff: readonly string[]
}

/**
 * Renews certificates that the proposed root would end, since it no longer names their keys; by old and new keys. With `--remove`
 * only those that `--keep` names: what a removed operator has let in may be a thief's.
 */
export async function keepMembers(session: Session, { parts }: VerifiedProposal, options: KeepOptions): Promise<Kept> {
  const { peer, home, registrar } = session
  const { accepted } = peer.state
  if (parts.root === undefined || accepted === undefined) return { renewed: [], cutOff: [] }
  const next = membersOf(parts.root, accepted.trusted)
  // A certificate that waits for a person's decision is not renewed: that would be the decision.
  const held = (await registrar.decisions()).flatMap(({ kind, certificate }) =>
    kind === 'hold' ? certificate.peer : [],
  )
  const others = orphanedBy(next, peer, new Date()).filter(each => each.peer !== peer.peerId)
  const ended = others.filter(each => !held.includes(each.peer))
  if (ended.length === 0) return { renewed: [], cutOff: [] }
  note(options, `This root ends these memberships:\n${table(['NAME', 'ROLE', 'PEER'], ended.map(memberCells))}`)
  const kept = await keptOf(ended, peer.directory.certificates(), options, question => confirm(options, question))
  const mine = await home.operatorKeys.membersKeys()
  // The new certificates must be valid under the present root, until the next one is published, and under that.
  if (!isNamed(mine, next.keys) || !isNamed(mine, accepted.authority.keys)) {
    note(options, 'Another operator can keep them: thymesh members renew NAME.')
    return { renewed: [], cutOff: ended.map(({ name }) => name) }
  }
  if (kept.length > 0) {
    await registrar.sign(
      kept.map(each => each.peer),
      await home.keys(),
    )
    await peer.neighbours.sync()
  }
  const [renewed, cutOff] = [kept, ended.filter(each => !kept.includes(each))].map(list => list.map(({ name }) => name))
  if (renewed?.length) note(options, `Renewed, so that they stay members: ${renewed.join(', ')}.`)
  if (cutOff?.length) note(options, `No longer members under this root: ${cutOff.join(', ')}.`)
  return { renewed: renewed ?? [], cutOff: cutOff ?? [] }
}

function memberCells({ name, role, peer }: Certificate): string[] {
  return [name, role, peer]
}
