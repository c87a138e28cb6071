/** `thymesh members` and `thymesh members renew`: who is a member, and new certificates. */

import { shortId, table } from '../../format/table.ts'
import { show, withAccess } from '../shell/access.ts'
import type { ReadOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export async function members(options: ReadOptions): Promise<undefined> {
  return await show('members', options, {})
}

export interface RenewOptions extends ReadOptions {
  members: string[]
}

export async function renew(options: RenewOptions): Promise<undefined> {
  return await withAccess(options, async access => {
    const done = await access.order('renew', { members: options.members, wait: options.wait })
    if (done === undefined) return undefined
    const lines = done.signed.map(({ name, peer, expires }) => [name, shortId(peer), expires])
    const text =
      lines.length === 0 ? 'No member asks for a new certificate.' : table(['MEMBER', 'PEER', 'EXPIRES'], lines)
    print(options, done, text)
    return undefined
  })
}
