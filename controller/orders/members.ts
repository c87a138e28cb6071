/** Orders about membership: revoking members and tokens, new certificates. */

import type { z } from 'zod'
import type { TokenRow } from '../api/schemas/members.ts'
import type {
  renewedSchema,
  renewOptions,
  revokedSchema,
  revokedTokenSchema,
  revokeOptions,
  revokeTokenOptions,
} from '../api/schemas/orders.ts'
import { deliverHead } from '../members/delivery.ts'
import { findMembers, noSuchToken } from '../members/find.ts'
import { RevokeError, revoke } from '../members/revoke.ts'
import { TokenBook } from '../members/token-book.ts'
import { tokenRows } from '../queries/tokens.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'

const goesOutLater = 'No peer is in reach: the revocation goes out when one is.'

/** Ends memberships. */
export async function revokeMembers(
  session: Session,
  options: z.output<typeof revokeOptions>,
  talk: Talk,
): Promise<z.output<typeof revokedSchema>> {
  const { peer, home } = session
  await takeNews(session, talk.note, options.wait, goesOutLater, talk.signal)
  const chosen = findMembers(peer.directory.certificates(), options.members)
  if (chosen.some(each => each.peer === peer.peerId)) {
    throw new RevokeError('own', 'expected another member, got this controller: it can not revoke itself', {
      hint: 'Revoke it from another controller of the fleet.',
    })
  }
  const about = options.reason === undefined ? {} : { reason: options.reason }
  const revocations = chosen.map(({ peer: subject, name }) => ({ kind: 'peer' as const, subject, name, ...about }))
  const keys = await home.keys()
  await session.signing.run(() => revoke(peer, revocations, keys, new Date()))
  const told = await delivered(session, options.wait, talk)
  return { revoked: chosen.map(({ name, peer: id }) => ({ name, peer: id })), told }
}

/** Ends a join token, and the memberships that only it has signed. */
export async function revokeToken(
  session: Session,
  options: z.output<typeof revokeTokenOptions>,
  talk: Talk,
): Promise<z.output<typeof revokedTokenSchema>> {
  const { peer, home, registrar } = session
  await takeNews(session, talk.note, options.wait, goesOutLater, talk.signal)
  const token = findToken(await tokenRows(peer, new TokenBook(home.directory), new Date()), options.id)
  const keys = await home.keys()
  if (options.keep) {
    await registrar.sign(token.provisionalPeers, keys)
    // Before the news that would drop them.
    await peer.neighbours.sync()
  }
  const about = options.reason === undefined ? {} : { reason: options.reason }
  const revocation = { kind: 'token' as const, subject: token.id, ...about }
  await session.signing.run(() => revoke(peer, [revocation], keys, new Date()))
  const told = await delivered(session, options.wait, talk)
  return { revoked: token.id, dropped: options.keep ? [] : token.provisionalPeers, told }
}

/** Signs new certificates: for those who ask, or for the named ones. */
export async function renew(
  session: Session,
  options: z.output<typeof renewOptions>,
  talk: Talk,
): Promise<z.output<typeof renewedSchema>> {
  const { peer, registrar, home } = session
  const signed: z.output<typeof renewedSchema>['signed'] = []
  const onDecided: Parameters<typeof registrar.on<'decided'>>[1] = ({ kind, certificate: { name, peer: id } }) => {
    const expires = peer.directory.certificate(id)?.document.expires
    if (kind !== 'hold' && expires !== undefined) signed.push({ name, peer: id, expires })
  }
  registrar.on('decided', onDecided)
  try {
    await takeNews(session, talk.note, options.wait, undefined, talk.signal)
    if (options.members.length === 0) await registrar.settle()
    else {
      const chosen = findMembers(peer.directory.certificates(), options.members).map(each => each.peer)
      const rest = chosen.filter(id => !signed.some(each => each.peer === id))
      await registrar.sign(rest, await home.keys())
    }
  } finally {
    registrar.off('decided', onDecided)
  }
  const told = await peer.neighbours.sync()
  if (signed.length > 0) talk.note(`Delivered to ${told} connected peers, which relay it.`)
  return { signed, told }
}

async function delivered({ peer }: Session, seconds: number, talk: Talk): Promise<string[]> {
  const told = await deliverHead(peer, seconds * 1000)
  talk.note(told.length > 0 ? `Delivered to ${told.join(', ')}, who relay it.` : 'No peer has it yet.')
  return told
}

function findToken(rows: readonly TokenRow[], id: string): TokenRow {
  const fits = rows.filter(row => row.id.startsWith(id))
  const [only, ...others] = fits
  if (only !== undefined && others.length === 0) return only
  throw noSuchToken(only === undefined ? 'unknown-member' : 'ambiguous', id)
}
