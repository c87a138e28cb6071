/** What trusted metadata names. */

import { sha256Hex, toHex } from '../../protocol/encoding/hash.ts'
import { namedRelease, namedRevocations } from '../../protocol/trust/fleet.ts'
import { namedSiteRelease, sitesOf } from '../../protocol/trust/sites.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'

/** SHA-256, in hex, of the metadata below the timestamp and of the releases and revocations that it names, in the order of use. */
export function namedDocuments(trusted: TrustedSet | undefined): string[] {
  if (trusted === undefined) return []
  const { snapshot, targets, delegated } = trusted
  const ofSites = [...sitesOf(targets).keys()].map(site => namedSiteRelease(trusted, site))
  const named = [namedRelease(trusted), namedRevocations(trusted), ...ofSites].flatMap(each =>
    each ? [toHex(each.hash)] : [],
  )
  return [
    ...[snapshot, targets, ...Object.values(delegated)].flatMap(each => (each ? [sha256Hex(each.bytes)] : [])),
    ...named,
  ]
}
