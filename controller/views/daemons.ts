/** The daemons of devices as text: one, and how those of a fleet differ. */

import type { DeviceStatus } from '../api/schemas/status.ts'

type Daemon = NonNullable<DeviceStatus['daemon']>

/** Devices that are named for each daemon; an upgrade of a large fleet has hundreds. */
const mostNamed = 5
const origins: Readonly<Record<Daemon['from'], string>> = {
  release: 'of the release',
  package: "of the machine's package",
  tarball: "of the machine's tarball",
  sources: 'from sources',
}

export function daemonText({ version, from }: Daemon): string {
  return `${version}, ${origins[from]}`
}

/** A line for each daemon, the fewest devices first; none where all that say it have the same. */
export function daemonsText(devices: readonly Pick<DeviceStatus, 'device' | 'daemon'>[]): string[] {
  const known = devices.flatMap(({ device, daemon }) => (daemon === null ? [] : [{ device, daemon }]))
  const groups = [...Map.groupBy(known, ({ daemon }) => daemonText(daemon))]
  if (groups.length < 2) return []
  return groups
    .sort(([, a], [, b]) => a.length - b.length)
    .map(([text, rows]) => {
      const more = rows.length > mostNamed ? ` and ${rows.length - mostNamed} more` : ''
      const names = rows.slice(0, mostNamed).map(({ device }) => device)
      return `Daemon ${text}: ${names.join(', ')}${more}`
    })
}
