/** Which release counts for a device: its site's, where that names it, else the fleet's. */

import type { Certificate } from '../members/certificate.ts'
import type { Release } from './release.ts'

/** The verified releases: the fleet's, and of each site with operators of its own the one that these signed. */
export interface Releases {
  readonly release: Release
  readonly sites: ReadonlyMap<string, Release>
}

/** A device as its certificate says. */
export type Place = Pick<Certificate, 'name' | 'site'>

/**
 * The release that counts for a device. A site's release counts for devices whose certificates name that site, whatever
 * else it names.
 */
export function effectiveRelease({ release, sites }: Releases, { name, site }: Place): Release {
  const own = site === undefined ? undefined : sites.get(site)
  return own !== undefined && Object.hasOwn(own.devices, name) ? own : release
}

/**
 * A release with the devices only for which it counts: of the fleet's those that no site's operators have taken over, of a
 * site's those whose certificates name the site. Names without a certificate stay.
 */
export function releaseInForce<R extends Pick<Release, 'devices' | 'site'>>(
  release: R,
  releases: Releases,
  places: readonly Place[],
): R {
  const known = new Map<string, boolean>()
  for (const place of places) {
    // A site's next release isn't among those that are in force, but counts for the same devices.
    const counts =
      release.site === undefined ? effectiveRelease(releases, place).site === undefined : place.site === release.site
    known.set(place.name, counts || known.get(place.name) === true)
  }
  const devices = Object.entries(release.devices).filter(([name]) => known.get(name) !== false)
  if (devices.length === Object.keys(release.devices).length) return release
  return { ...release, devices: Object.fromEntries(devices) }
}
