/** The answer of `thymesh token list`: what each join token permits, and how many devices came with it. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { type Grant, grantKind, tokenIdOf } from '../../protocol/members/join-token.ts'
import { readEnvelope } from '../../protocol/signing/dsse.ts'
import type { TokenRow } from '../api/schemas/members.ts'
import { TokenBook } from '../members/token-book.ts'
import type { Session } from '../session/session.ts'

/** Signs first what the controller signs by itself, so that the counts have it. */
export async function queryTokens({ peer, home, registrar }: Session): Promise<{ tokens: TokenRow[] }> {
  await registrar.settle()
  return { tokens: await tokenRows(peer, new TokenBook(home.directory), new Date()) }
}

/** Tokens that this operator made, that members came with, or that were revoked; the oldest first. */
export async function tokenRows(
  peer: Pick<ControllerPeer, 'directory' | 'state'>,
  tokens: TokenBook,
  now: Date,
): Promise<TokenRow[]> {
  const book = await tokens.all()
  const revoked = new Set(peer.state.accepted?.revocations.tokens)
  const known = new Map(book.map(({ id, grant, excess, peers }) => [id, row(id, grant, excess, peers)]))
  const used = new Map(book.map(({ id, peers }) => [id, new Set(peers)]))
  for (const { grant, token, peer: member } of peer.directory.certificates()) {
    const document = grant && readEnvelope(grantKind, grant).document
    const id = document ? tokenIdOf(document) : token
    if (id === undefined) continue
    const at = known.get(id) ?? row(id, document, null, [])
    known.set(id, at)
    if (document !== undefined) at.provisionalPeers.push(member)
    else used.set(id, (used.get(id) ?? new Set()).add(member))
  }
  for (const id of revoked) if (!known.has(id)) known.set(id, row(id, undefined, null, []))
  return [...known.values()]
    .map((each): TokenRow => {
      const expired = each.expires !== null && Date.parse(each.expires) <= now.getTime()
      const state = revoked.has(each.id) ? 'revoked' : expired ? 'expired' : 'usable'
      const counts = { countersigned: used.get(each.id)?.size ?? 0, provisional: each.provisionalPeers.length }
      return { ...each, ...counts, state }
    })
    .sort((a, b) => (a.issued ?? '').localeCompare(b.issued ?? ''))
}

function row(
  id: string,
  grant: Grant | undefined,
  overLimit: TokenRow['overLimit'],
  peers: readonly string[],
): TokenRow {
  return {
    id,
    names: grant?.names ?? null,
    role: grant === undefined ? null : grant.role === 'controller' ? 'viewer' : grant.role,
    site: grant?.site ?? null,
    issued: grant?.issued ?? null,
    expires: grant?.expires ?? null,
    uses: grant?.uses ?? null,
    overLimit,
    countersigned: peers.length,
    provisional: 0,
    provisionalPeers: [],
    state: 'usable',
  }
}
