/** Finding the members that a person names on the command line. */

import type { Certificate } from '../../protocol/members/certificate.ts'
import { RevokeError } from './revoke.ts'

/** All peer IDs begin the same; so many characters are too many to be mistyped as a name. */
const minPrefix = 16

/** Whether a person means this peer ID by a whole one, or by its beginning. */
export function isPeer(said: string, peer: string): boolean {
  return said === peer || (said.length >= minPrefix && peer.startsWith(said))
}

/** The certificates behind names, peer IDs or beginnings of these (16 characters or more), each once. Throws a RevokeError when one is of nobody, or of several. */
export function findMembers<Member extends Pick<Certificate, 'name' | 'peer'>>(
  all: readonly Member[],
  names: readonly string[],
): Member[] {
  const found = names.map(name => {
    const whole = all.filter(certificate => certificate.peer === name || certificate.name === name)
    const isPrefix = whole.length === 0
    const fits = isPrefix ? all.filter(({ peer }) => isPeer(name, peer)) : whole
    const [only, ...others] = fits
    if (only === undefined) {
      throw new RevokeError(
        'unknown-member',
        `expected a member's name, peer ID or at least ${minPrefix} characters of it, got ${name}`,
        {
          hint: '`thymesh members` lists them.',
        },
      )
    }
    if (others.length > 0) {
      throw new RevokeError(
        'ambiguous',
        `expected one member, got ${fits.length} ${isPrefix ? 'whose peer IDs begin with' : 'with the name'} ${name}`,
        {
          hint: `Choose one by its peer ID: ${fits.map(each => each.peer).join(', ')}.`,
        },
      )
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
