/** Names that a fleet can have, made of those that folders and users have. */

import { userInfo } from 'node:os'

const longest = 63

/** A name of lowercase letters, digits and inner hyphens. */
export function nameFrom(text: string): string {
  const name = text.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return name.slice(0, longest).replace(/^-+|-+$/g, '') || 'fleet'
}

/** The user's name as an operator's. */
export function operatorName(): string {
  return nameFrom(userInfo().username)
}
