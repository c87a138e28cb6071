/** Alerts as an extension of a release: peers of the version before keep it and look at nothing. */

import type { ExtensionValue } from '../encoding/extensions.ts'
import type { ReleaseExtensions } from '../release/release.ts'
import { type Alerts, alertsExtension } from './rules.ts'

/** A release's extensions with these alerts; without any, those of before are gone. */
export function withAlerts(extensions: ReleaseExtensions | undefined, alerts: Alerts | undefined): ReleaseExtensions {
  const { [alertsExtension]: _, ...values } = extensions?.values ?? {}
  const says = alerts !== undefined && (alerts.rules.length > 0 || Object.keys(alerts.channels).length > 0)
  return {
    values: says ? { ...values, [alertsExtension]: withoutUndefined(alerts) } : values,
    critical: extensions?.critical ?? [],
  }
}

function withoutUndefined(alerts: Alerts): ExtensionValue {
  return JSON.parse(JSON.stringify(alerts))
}
