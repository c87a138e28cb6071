/** Finding the members that a person names on the command line. */

import type { Certificate } from '../../protocol/members/certificate.ts'
import { RevokeError } from './revoke.ts'

/** The certificates behind names or peer IDs, each once. Throws a RevokeError when one is of nobody, or of several. */
export function findMembers(all: readonly Certificate[], names: readonly string[]): Certificate[] {
  const found = names.map(name => {
    const fits = all.filter(certificate => certificate.peer === name || certificate.name === name)
    const [only, ...others] = fits
    if (only === undefined) {
      throw new RevokeError('unknown-member', `expected a member's name or peer ID, got ${name}`, {
        hint: '`thymesh members` lists them.',
      })
    }
    if (others.length > 0) {
      throw new RevokeError('ambiguous', `expected one member, got ${fits.length} with the name ${name}`, {
        hint: `Choose one by its peer ID: ${fits.map(each => each.peer).join(', ')}.`,
      })
    }
    return only
  })
  return [...new Map(found.map(each => [each.peer, each])).values()]
}

export function noSuchToken(code: 'unknown-member' | 'ambiguous', id: string): RevokeError {
  return new RevokeError(code, `expected the ID of a join token or at least 4 digits of it, got ${id}`, {
    hint: '`thymesh token list` shows the IDs.',
  })
}
