/** `thymesh token list` and `thymesh token revoke`. */

import { shortId, table } from '../../format/table.ts'
import { tellCertificates, tellHead } from '../../members/delivery.ts'
import { RevokeError, revoke } from '../../members/revoke.ts'
import { TokenBook } from '../../members/token-book.ts'
import { openProject } from '../../project/project.ts'
import { type TokenRow, viewTokens } from '../../queries/tokens.ts'
import { takeNews, withSession } from '../shell/context.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'
import type { Query } from '../shell/questions.ts'
import { show } from '../shell/reader.ts'

export async function listTokens(options: ProjectOptions & { wait: number }): Promise<undefined> {
  return await show('tokens', options, {})
}

export const tokensQuery: Query<object> = async ({ peer, home, registrar }) => {
  await registrar.settle()
  const rows = await viewTokens(peer, new TokenBook(home.directory), new Date())
  const lines = rows.map(row => [
    shortId(row.id),
    row.names ?? '-',
    row.site ?? '-',
    row.expires?.slice(0, 10) ?? '-',
    row.uses === null ? String(row.countersigned) : `${row.countersigned} of ${row.uses}`,
    String(row.provisional),
    row.state,
  ])
  const text = table(['TOKEN', 'NAMES', 'SITE', 'EXPIRES', 'COUNTERSIGNED', 'PROVISIONAL', 'STATE'], lines)
  return { json: { tokens: rows }, text: rows.length === 0 ? 'No join tokens are known here.' : text }
}

export interface RevokeTokenOptions extends ProjectOptions {
  id: string
  keep: boolean
  reason?: string
  wait: number
}

export async function revokeToken(options: RevokeTokenOptions): Promise<undefined> {
  const project = await openProject(options.project)
  // A typing error must not wait for the mesh.
  if (!/^[0-9a-f]{4,64}$/.test(options.id)) throw noSuchToken('unknown-member', options.id)
  return await withSession(project, options, async session => {
    const { peer, home, registrar } = session
    await takeNews(session, options, options.wait, 'No peer is in reach: the revocation goes out when one is.')
    const token = findToken(
      await viewTokens(session.peer, new TokenBook(session.home.directory), new Date()),
      options.id,
    )
    const keys = await home.keys()
    if (options.keep) {
      await registrar.sign(token.provisionalPeers, keys)
      // Before the news that would drop them.
      await tellCertificates(peer)
    }
    const about = options.reason === undefined ? {} : { reason: options.reason }
    await revoke(peer, [{ kind: 'token', subject: token.id, ...about }], keys, new Date())
    const told = await tellHead(peer, options.wait * 1000)
    note(options, told.length > 0 ? `Told: ${told.join(', ')}. They tell the others.` : 'Nobody was told yet.')
    const dropped = options.keep ? [] : token.provisionalPeers
    const lost = dropped.length === 0 ? '' : ` ${dropped.length} devices that only it has signed are members no longer.`
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
  return new RevokeError(code, `expected the ID of a join token, at least 4 digits of it, got ${id}`, {
    hint: 'thymesh token list shows them.',
  })
}
