/** A release's content with a site under another name, in all that names it. */

import { withSiteInAlerts } from '../../protocol/alerts/selectors.ts'
import { accessOf, withAccess } from '../../protocol/release/access.ts'
import type { Release } from '../../protocol/release/release.ts'
import { uplinksOf, withUplinks } from '../../protocol/release/site-uplinks.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { sameContentAs } from './same-content-as.ts'

/** Devices, grants of access, alerts and the uplink of the site. */
export function contentWithSite(current: Release, [from, to]: [string, string], message: string): ReleaseContent {
  const content = sameContentAs(current, message)
  const named = (site: string) => (site === from ? to : site)
  const devices = Object.entries(content.devices).map(([name, entry]) => [
    name,
    entry.site === from ? { ...entry, site: to } : entry,
  ])
  const grants = accessOf(current).map(({ sites, ...grant }) => ({
    ...grant,
    ...(sites !== undefined && { sites: [...new Set(sites.map(named))] }),
  }))
  let { extensions } = content
  if (grants.length > 0) extensions = withAccess(extensions, grants)
  extensions = withSiteInAlerts(extensions, current, [from, to])
  const { [from]: uplink, ...others } = uplinksOf(current)
  if (uplink !== undefined) extensions = withUplinks(extensions, { ...others, [to]: uplink })
  const moved = { ...content, devices: Object.fromEntries(devices) as ReleaseContent['devices'] }
  return { ...moved, ...(extensions && { extensions }) }
}

/** Whether anything in a release names a site. */
export function namesSite(release: Release, site: string): boolean {
  const isIn = (sites: readonly string[] | undefined) => sites?.includes(site) === true
  return (
    Object.values(release.devices).some(device => device.site === site) ||
    accessOf(release).some(({ sites }) => isIn(sites)) ||
    withSiteInAlerts(undefined, release, [site, site]) !== undefined ||
    Object.hasOwn(uplinksOf(release), site)
  )
}
