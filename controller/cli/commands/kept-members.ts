/** Members whom a proposed root cuts off: which of them stay, and what became of them. */

import type { TrustChanged, TrustPreview } from '../../api/schemas/trust-orders.ts'
import { table } from '../../format/table.ts'
import { keptOf } from '../../members/orphans.ts'
import type { Access } from '../shell/access.ts'
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

/**
 * Peer IDs of members who get new certificates, since the root no longer names the keys of theirs. With `--remove` only those that
 * `--keep` names: what a removed operator has let in may be a thief's.
 */
export async function keptMembers(
  access: Access,
  { ended, canKeep }: TrustPreview,
  options: KeepOptions,
): Promise<string[]> {
  if (ended.length === 0) return []
  const rows = ended.map(({ name, role, peer }) => [name, role, peer])
  note(options, `This root ends these memberships:\n${table(['NAME', 'ROLE', 'PEER'], rows)}`)
  const { members } = await access.ask('members', {}, 0)
  const present = members.flatMap(({ name, peer, revoked }) =>
    revoked === null && name !== null ? [{ name, peer }] : [],
  )
  const kept = await keptOf(ended, present, options, question => confirm(options, question))
  if (!canKeep) note(options, 'Another operator can keep them: thymesh members renew NAME.')
  return canKeep ? kept.map(({ peer }) => peer) : []
}

export function tellMembers({ renewed, cutOff }: TrustChanged, options: ProjectOptions): void {
  if (renewed.length > 0) note(options, `Renewed, so that they stay members: ${renewed.join(', ')}.`)
  if (cutOff.length > 0) note(options, `No longer members under this root: ${cutOff.join(', ')}.`)
}
