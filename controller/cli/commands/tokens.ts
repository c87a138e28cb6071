/** `thymesh token list` and `thymesh token revoke`. */

import { shortId } from '../../format/table.ts'
import { noSuchToken } from '../../members/find.ts'
import { show, withAccess } from '../shell/access.ts'
import type { ReadOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export async function listTokens(options: ReadOptions): Promise<undefined> {
  return await show('tokens', options, {})
}

export interface RevokeTokenOptions extends ReadOptions {
  id: string
  keep: boolean
  reason?: string
}

export async function revokeToken(options: RevokeTokenOptions): Promise<undefined> {
  const { id, keep, reason, wait } = options
  // A typing error must not wait for the mesh.
  if (!/^[0-9a-f]{4,64}$/.test(id)) throw noSuchToken('unknown-member', id)
  return await withAccess(options, async access => {
    const done = await access.order('revoke-token', { id, keep, reason, wait })
    if (done === undefined) return undefined
    const { revoked, dropped } = done
    const lost = dropped.length === 0 ? '' : ` ${dropped.length} devices that only it has signed are no longer members.`
    print(options, done, `Revoked the join token ${shortId(revoked)}.${lost}`)
    return undefined
  })
}
