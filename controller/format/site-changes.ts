/** Changes of sites' operators, as the log and a proposal write them. */

import { keyIdOf } from '../../protocol/signing/keys.ts'
import { type Sites, sameAuthority } from '../../protocol/trust/sites.ts'
import { shortId } from './table.ts'

/** A line for each site that gets other operators. */
export function siteChanges(before: Sites, after: Sites): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort()
  return names.flatMap(site => {
    const [was, is] = [before.get(site), after.get(site)]
    if (sameAuthority(was, is)) return []
    if (is === undefined) return [`site ${site}: has no operators of its own any more`]
    const keys = is.keys.map(key => shortId(keyIdOf(key))).join(', ')
    return [`site ${site}: releases of its own, signed by ${is.threshold} of the keys ${keys}`]
  })
}
