/** Views of the accepted releases, for following, fetching and serving them. */

import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { toHex } from '../../protocol/encoding/hash.ts'
import type { Certificate, Member } from '../../protocol/members/certificate.ts'
import { effectiveRelease, type Place, releaseInForce } from '../../protocol/release/effective-release.ts'
import type { Release } from '../../protocol/release/release.ts'
import { nixKeysFor } from '../../protocol/trust/sites.ts'
import type { AcceptedState } from './fleet-state.ts'

/** All accepted releases: the fleet's, and each site's. */
export function releasesOf(accepted: Pick<AcceptedState, 'release' | 'sites'> | undefined): Release[] {
  return accepted === undefined ? [] : [accepted.release, ...accepted.sites.values()]
}

/** The newest release of a site's own operators, or of the fleet. */
export function newestOf(
  accepted: Pick<AcceptedState, 'release' | 'sites'> | undefined,
  site: string | undefined,
): Release | undefined {
  return site === undefined ? accepted?.release : accepted?.sites.get(site)
}

/** The release that a device follows. Members of other roles follow none, even if a release names them. */
export function followed(
  accepted: Pick<AcceptedState, 'release' | 'sites'> | undefined,
  { role = 'device', ...place }: Place & Partial<Pick<Certificate, 'role'>>,
): Release | undefined {
  return role === 'device' && accepted !== undefined ? effectiveRelease(accepted, place) : undefined
}

/** The last restriction of each release: its waves are worked out once for each object. */
const restrictions = new WeakMap<object, object>()

/**
 * Restricts a release to the devices that it applies to, as waves require: a site's devices don't count for the
 * fleet's waves, nor the fleet's for a site's. While the devices stay the same, so does the object.
 */
export function inForce<R extends Pick<Release, 'devices' | 'site'>>(
  release: R,
  accepted: Pick<AcceptedState, 'release' | 'sites'> | undefined,
  members: readonly Pick<Member, 'name' | 'role' | 'site'>[],
): R {
  if (accepted === undefined || (accepted.sites.size === 0 && release.site === undefined)) return release
  const devices = members.filter(({ role }) => role === 'device')
  const next = releaseInForce(release, accepted, devices)
  const last = restrictions.get(release) as R | undefined
  if (last !== undefined && hasSameKeys(last.devices, next.devices)) return last
  restrictions.set(release, next)
  return next
}

function hasSameKeys(a: object, b: object): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => Object.hasOwn(b, key))
}

/** The Nix keys whose signatures a device of a site accepts. */
export function nixKeysOf(accepted: Pick<AcceptedState, 'trusted'> | undefined, site: string | undefined): string[] {
  return accepted === undefined ? [] : nixKeysFor(accepted.trusted.root, site)
}

/** The closures that the releases name: SHA-256 of their descriptors, in hex. */
export function closuresOf(accepted: Pick<AcceptedState, 'release' | 'sites'> | undefined): Set<string> {
  const configs = releasesOf(accepted).flatMap(each => Object.values(each.configs))
  return new Set(configs.map(({ closure }) => toHex(hashOfCid(closure))))
}
