/** The extensions that this version understands, and whether it may act on a release. */

import { ThymeshError } from '../errors.ts'
import type { Release } from './release.ts'

/** Names of a release's extensions that this version understands. */
export const understoodExtensions: readonly string[] = []

/** The extension of a report that lists the extensions of releases that its device understands. */
export const understandsExtension = 'understands'

export class UnderstoodError extends ThymeshError<'not-understood'> {}

/** Refuses a release with a critical extension that this version doesn't know. Throws an UnderstoodError. */
export function requireUnderstood({ version, extensions }: Pick<Release, 'version' | 'extensions'>): void {
  const unknown = (extensions?.critical ?? []).filter(name => !understoodExtensions.includes(name))
  if (unknown.length === 0) return
  throw new UnderstoodError(
    'not-understood',
    `expected a release whose critical extensions this version understands, got ${unknown.join(', ')} in release ${version}`,
    { hint: 'Release a newer version of Thymesh to this device first, without these extensions.' },
  )
}
