/** Snapshots of a device's screens as text. */

import type { ListedSnapshots } from '../api/schemas/snapshots.ts'
import { size, table } from '../format/table.ts'

export function snapshotsText({ device, source, snapshots }: ListedSnapshots): string {
  if (snapshots.length === 0)
    return `${device} has taken no snapshot. The setting snapshotMinutes of the module kiosk says how often.`
  const rows = snapshots.map(({ taken, screen, bytes, sha256, file }) => [
    ...[taken ?? '-', screen, size(bytes), sha256.slice(0, 16)],
    ...(file === undefined ? [] : [file]),
  ])
  const files = snapshots.some(({ file }) => file !== undefined) ? ['FILE'] : []
  const text = table(['TAKEN', 'SCREEN', 'SIZE', 'SHA-256', ...files], rows)
  return source === 'device' ? text : `${text}\n${device} isn't in reach: these are here already.`
}
