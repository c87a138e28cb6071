/** Selects the release that applies to a device: its site's if that names it, else the fleet's. */

import type { Certificate } from '../members/certificate.ts'
import type { Release } from './release.ts'

/** The verified releases: the fleet's, and those of sites that have their own operators. */
export interface Releases {
  readonly release: Release
  readonly sites: ReadonlyMap<string, Release>
}

/** A device's identity in its certificate. */
export type Place = Pick<Certificate, 'name' | 'site'>

/** The release that applies to a device. A site's release applies only to devices whose certificates name that site. */
export function effectiveRelease({ release, sites }: Releases, { name, site }: Place): Release {
  const own = site === undefined ? undefined : sites.get(site)
  return own !== undefined && Object.hasOwn(own.devices, name) ? own : release
}

/**
 * Restricts a release to the devices that it applies to. The fleet's excludes devices taken over by their site's
 * operators; a site's includes only devices whose certificates name the site. Names without a certificate stay.
 */
export function releaseInForce<R extends Pick<Release, 'devices' | 'site'>>(
  release: R,
  releases: Releases,
  places: readonly Place[],
): R {
  const known = new Map<string, boolean>()
  for (const place of places) {
    // A site's next release isn't in force yet, but applies to the same devices.
    const counts =
      release.site === undefined ? effectiveRelease(releases, place).site === undefined : place.site === release.site
    known.set(place.name, counts || known.get(place.name) === true)
  }
  const devices = Object.entries(release.devices).filter(([name]) => known.get(name) !== false)
  if (devices.length === Object.keys(release.devices).length) return release
  return { ...release, devices: Object.fromEntries(devices) }
}
