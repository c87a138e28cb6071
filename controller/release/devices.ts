/** A release's content with one device under another name, at another site, or not at all. */

import { withDeviceInAlerts, withoutDeviceInAlerts } from '../../protocol/alerts/selectors.ts'
import { type AccessGrant, accessOf, withAccess } from '../../protocol/release/access.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { sameContentAs } from './same-content-as.ts'

/** The device keeps config and tags. Grants of access and alerts that name it go with it. */
export function contentWithDevice(
  current: Release,
  device: string,
  to: { name: string; site: string | undefined },
  message: string,
): ReleaseContent {
  const content = sameContentAs(current, message)
  const devices = Object.entries(content.devices).map(([name, entry]) => {
    if (name !== device) return [name, entry]
    const { site: _, ...kept } = entry
    return [to.name, { ...kept, ...(to.site !== undefined && { site: to.site }) }]
  })
  const moved = { ...content, devices: Object.fromEntries(devices) as ReleaseContent['devices'] }
  if (device === to.name) return moved
  const granted = withGrants(moved, current, name => (name === device ? [to.name] : [name]))
  const extensions = withDeviceInAlerts(granted.extensions, current, [device, to.name])
  return { ...granted, ...(extensions && { extensions }) }
}

/** Configs that no other device runs go too, and grants that name it alone; alerts about others too name it no more. */
export function contentWithoutDevice(current: Release, device: string, message: string): ReleaseContent {
  const content = sameContentAs(current, message)
  const { [device]: gone, ...devices } = content.devices
  const isRun = (config: string) => Object.values(devices).some(each => each.config === config)
  const configs = Object.fromEntries(
    Object.entries(content.configs).filter(([name]) => name !== gone?.config || isRun(name)),
  )
  const granted = withGrants({ ...content, devices, configs }, current, name => (name === device ? [] : [name]))
  const extensions = withoutDeviceInAlerts(granted.extensions, current, device)
  return { ...granted, ...(extensions && { extensions }) }
}

function withGrants(content: ReleaseContent, current: Release, named: (name: string) => string[]): ReleaseContent {
  const before = accessOf(current)
  if (before.length === 0) return content
  const grants = before.flatMap((grant): AccessGrant[] => {
    if (grant.devices === undefined) return [grant]
    const { devices: old, ...rest } = grant
    const devices = [...new Set(old.flatMap(named))]
    if (devices.length > 0) return [{ ...rest, devices }]
    return rest.tags === undefined && rest.sites === undefined ? [] : [rest]
  })
  return { ...content, extensions: withAccess(content.extensions, grants) }
}
