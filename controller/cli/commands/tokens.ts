/** `thymesh token list` and `thymesh token revoke`. */

import { shortId } from '../../format/table.ts'
import { deliverHead } from '../../members/delivery.ts'
import { RevokeError, revoke } from '../../members/revoke.ts'
import { TokenBook } from '../../members/token-book.ts'
import { openProject } from '../../project/project.ts'
import { type TokenRow, tokenRows } from '../../queries/tokens.ts'
import { takeNews, withSession } from '../shell/context.ts'
import type { ReadOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'
import { show } from '../shell/reader.ts'

export async function listTokens(options: ReadOptions): Promise<undefined> {
  return await show('tokens', options, {})
}

export interface RevokeTokenOptions extends ReadOptions {
  id: string
  keep: boolean
  reason?: string
}

export async function revokeToken(options: RevokeTokenOptions): Promise<undefined> {
  const project = await openProject(options.project)
  // A typing error must not wait for the mesh.
  if (!/^[0-9a-f]{4,64}$/.test(options.id)) throw noSuchToken('unknown-member', options.id)
  return await withSession(project, options, async session => {
    const { peer, home, registrar } = session
    await takeNews(session, options, options.wait, 'No peer is in reach: the revocation goes out when one is.')
    const token = findToken(
      await tokenRows(session.peer, new TokenBook(session.home.directory), new Date()),
      options.id,
    )
    const keys = await home.keys()
    if (options.keep) {
      await registrar.sign(token.provisionalPeers, keys)
      // Before the news that would drop them.
      await peer.neighbours.sync()
    }
    const about = options.reason === undefined ? {} : { reason: options.reason }
    await revoke(peer, [{ kind: 'token', subject: token.id, ...about }], keys, new Date())
    const told = await deliverHead(peer, options.wait * 1000)
    note(options, told.length > 0 ? `Delivered to ${told.join(', ')}, who relay it.` : 'No peer has it yet.')
    const dropped = options.keep ? [] : token.provisionalPeers
    const lost = dropped.length === 0 ? '' : ` ${dropped.length} devices that only it has signed are no longer members.`
    print(options, { revoked: token.id, dropped, told }, `Revoked the join token ${shortId(token.id)}.${lost}`)
    return undefined
  })
}

function findToken(rows: readonly TokenRow[], id: string): TokenRow {
  const fits = rows.filter(row => row.id.startsWith(id))
  const [only, ...others] = fits
  if (only !== undefined && others.length === 0) return only
  throw noSuchToken(only === undefined ? 'unknown-member' : 'ambiguous', id)
}

function noSuchToken(code: 'unknown-member' | 'ambiguous', id: string): RevokeError {
  return new RevokeError(code, `expected the ID of a join token or at least 4 digits of it, got ${id}`, {
    hint: '`thymesh token list` shows the IDs.',
  })
}
