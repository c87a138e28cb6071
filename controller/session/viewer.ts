/** Viewers: controllers that a join token has let in. They see everything, and have no key with which anything could be signed. */

import { HintedError } from '../../protocol/errors.ts'
import { isViewer } from '../../protocol/members/certificate.ts'
import type { Session } from './session.ts'

export class ViewerError extends HintedError<'viewer'> {}

/** The name of the viewer whose controller this is; nothing where it is an operator's. */
export function viewerOf({ peer }: Pick<Session, 'peer'>): string | undefined {
  const { certificate } = peer
  return isViewer(certificate) ? certificate.name : undefined
}

/** Throws a ViewerError before a viewer begins what only an operator can end. */
export function requireOperator(session: Pick<Session, 'peer'>): void {
  const name = viewerOf(session)
  if (name === undefined) return
  throw new ViewerError(
    'viewer',
    `expected an operator, got ${name}, who is a viewer: sees everything, signs nothing`,
    {
      hint: 'Ask an operator to do it, or to make you one: docs/operators.md.',
    },
  )
}
