/** `thymesh revoke`: ends memberships. */

import { withAccess } from '../shell/access.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface RevokeOptions extends ProjectOptions {
  members: string[]
  reason?: string
  wait: number
}

export async function revokeMembers(options: RevokeOptions): Promise<undefined> {
  const { members, reason, wait } = options
  return await withAccess(options, async access => {
    const done = await access.order('revoke', { members, reason, wait })
    if (done === undefined) return undefined
    print(options, done, done.revoked.map(({ name, peer }) => `Revoked ${name} (${peer}).`).join('\n'))
    return undefined
  })
}
