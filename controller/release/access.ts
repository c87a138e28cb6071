/** Access in a release's content: grants that come and go, and those that stay when something else is released. */

import { z } from 'zod'
import { visible } from '../../protocol/encoding/visible.ts'
import { HintedError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import {
  type AccessGrant,
  accessExtension,
  accessOf,
  checkedGrants,
  withAccess,
} from '../../protocol/release/access.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { sameContentAs } from './same-content-as.ts'

export class AccessChangeError extends HintedError<'invalid-grant' | 'unknown-grant' | 'too-many-grants'> {}

/** A grant without its ID, and with texts that nobody has checked. */
export type GrantWish = Omit<AccessGrant, 'id'>

/** The grants with one more, whose ID is the operator's name and a number. Throws an AccessChangeError. */
export function grantsWith(grants: readonly AccessGrant[], wish: GrantWish): { grants: AccessGrant[]; id: string } {
  if (grants.length >= limits.accessGrants) {
    throw new AccessChangeError('too-many-grants', `expected fewer than ${limits.accessGrants} grants of access`, {
      hint: 'End those that nobody needs: thymesh access list, thymesh access revoke ID.',
    })
  }
  const stem = wish.operator.slice(0, 56)
  const numbers = grants.flatMap(({ id }) => (id.startsWith(`${stem}-`) ? [Number(id.slice(stem.length + 1))] : []))
  const id = `${stem}-${Math.max(0, ...numbers.filter(Number.isSafeInteger)) + 1}`
  try {
    return { grants: checkedGrants([...grants, { id, ...wish }]), id }
  } catch (thrown) {
    if (!(thrown instanceof z.ZodError)) throw thrown
    const [issue] = thrown.issues
    const field = issue?.path.find(step => typeof step === 'string' && step !== 'grants') ?? 'the grant'
    throw new AccessChangeError('invalid-grant', `${String(field)}: ${visible(issue?.message ?? 'not valid')}`, {
      hint: 'See `thymesh access grant --help`.',
    })
  }
}

/** The grants without those of these IDs and operators. Throws an AccessChangeError if one names none. */
export function grantsWithout(
  grants: readonly AccessGrant[],
  names: readonly string[],
): { grants: AccessGrant[]; gone: string[] } {
  const isNamed = ({ id, operator }: AccessGrant, name: string) => id === name || operator === name
  for (const name of names) {
    if (grants.some(grant => isNamed(grant, name))) continue
    throw new AccessChangeError('unknown-grant', `expected the ID of a grant or an operator's name, got ${name}`, {
      hint: '`thymesh access list` shows them.',
    })
  }
  const goes = (grant: AccessGrant) => names.some(name => isNamed(grant, name))
  return { grants: grants.filter(grant => !goes(grant)), gone: grants.filter(goes).map(({ id }) => id) }
}

/** The content of a release that says the same as the current one, with other grants. */
export function accessContent(current: Release, grants: readonly AccessGrant[], message: string): ReleaseContent {
  const content = sameContentAs(current, message)
  return { ...content, extensions: withAccess(content.extensions, grants) }
}

/** A release's content with the access of the current one, if it says nothing of it. */
export function keepAccess(current: Release | undefined, content: ReleaseContent): ReleaseContent {
  const said = content.extensions?.values ?? {}
  if (current === undefined || Object.hasOwn(said, accessExtension)) return content
  const grants = accessOf(current)
  return grants.length === 0 ? content : { ...content, extensions: withAccess(content.extensions, grants) }
}
