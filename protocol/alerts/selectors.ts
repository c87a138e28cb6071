/** The selectors of rules and channels, and another name for a device or a site in those of a release. */

import type { Release, ReleaseExtensions } from '../release/release.ts'
import { withAlerts } from './in-release.ts'
import { type Alerts, alertsOf, type Selector } from './rules.ts'

/** With their places, the same in `alerts.json`. */
export function selectorsOf({ rules, channels }: Alerts): { path: readonly (string | number)[]; selector: Selector }[] {
  return [
    ...rules.flatMap(({ on }, at) => (on === undefined ? [] : [{ path: ['rules', at, 'on'], selector: on }])),
    ...Object.entries(channels).flatMap(([name, { by }]) =>
      by === undefined ? [] : [{ path: ['channels', name, 'by'], selector: by }],
    ),
  ]
}

/** Without a device that is gone. The same one where it names that device alone: without a list it would choose all devices. */
export function withoutDevice(selector: Selector, device: string): Selector {
  const { devices = [], ...others } = selector
  const left = devices.filter(name => name !== device)
  if (left.length === devices.length) return selector
  if (left.length > 0) return { ...others, devices: left }
  return others.tags === undefined && others.sites === undefined ? selector : others
}

/** The next release's extensions, with a device under its new name in the alerts of the current one. */
export function withDeviceInAlerts(
  extensions: ReleaseExtensions | undefined,
  current: Pick<Release, 'extensions'>,
  [from, to]: [string, string],
): ReleaseExtensions | undefined {
  return withInAlerts(extensions, current, 'devices', [from, to])
}

/** The same of a site. */
export function withSiteInAlerts(
  extensions: ReleaseExtensions | undefined,
  current: Pick<Release, 'extensions'>,
  names: [string, string],
): ReleaseExtensions | undefined {
  return withInAlerts(extensions, current, 'sites', names)
}

/** The same without a device that is gone. */
export function withoutDeviceInAlerts(
  extensions: ReleaseExtensions | undefined,
  current: Pick<Release, 'extensions'>,
  device: string,
): ReleaseExtensions | undefined {
  const alerts = structuredClone(alertsOf(current))
  let isNamed = false
  for (const { selector } of selectorsOf(alerts)) {
    const left = withoutDevice(selector, device)
    if (left === selector) continue
    selector.devices = left.devices
    isNamed = true
  }
  return isNamed ? withAlerts(extensions, alerts) : extensions
}

function withInAlerts(
  extensions: ReleaseExtensions | undefined,
  current: Pick<Release, 'extensions'>,
  kind: 'devices' | 'sites',
  [from, to]: [string, string],
): ReleaseExtensions | undefined {
  const alerts = structuredClone(alertsOf(current))
  let isNamed = false
  for (const { selector } of selectorsOf(alerts)) {
    const names = selector[kind]
    if (!names?.includes(from)) continue
    selector[kind] = [...new Set(names.map(name => (name === from ? to : name)))]
    isNamed = true
  }
  return isNamed ? withAlerts(extensions, alerts) : extensions
}
