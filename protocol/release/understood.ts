/** The extensions that this version understands, and whether it may act on a release. */

import { ThymeshError } from '../errors.ts'
import { accessExtension } from './access.ts'
import { bindingExtension } from './binding.ts'
import { rebootExtension } from './reboot-policy.ts'
import type { Release } from './release.ts'
import { shardsExtension } from './shards.ts'
import { shiftsExtension } from './shifts.ts'
import { uplinksExtension } from './site-uplinks.ts'

/** Names of a release's extensions that this version understands. */
export const understoodExtensions: readonly string[] = [
  accessExtension,
  bindingExtension,
  rebootExtension,
  shardsExtension,
  shiftsExtension,
  uplinksExtension,
]

export class UnderstoodError extends ThymeshError<'not-understood'> {}

/** Refuses a release with a critical extension that this version doesn't know. Throws an UnderstoodError. */
export function requireUnderstood({ version, extensions }: Pick<Release, 'version' | 'extensions'>): void {
  const unknown = (extensions?.critical ?? []).filter(name => !understoodExtensions.includes(name))
  if (unknown.length === 0) return
  throw new UnderstoodError(
    'not-understood',
    `expected a release whose critical extensions this version understands, got ${unknown.join(', ')} in release ${version}`,
    { hint: 'Use a newer version of Thymesh; a device gets it by a release without these extensions.' },
  )
}
