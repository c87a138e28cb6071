/** A device's recordings as text. */

import type { DeviceRecordings } from '../api/schemas/recordings.ts'
import { size, table } from '../format/table.ts'

export function recordingsText({ device, recordings }: DeviceRecordings): string {
  if (recordings.length === 0) {
    return `${device} has recorded no session. Grants say whose are: thymesh access grant NAME --record`
  }
  const rows = recordings.map(({ id, began, seconds, operators, user, bytes, reason }) => [
    ...[id, began ?? '-', seconds === null ? '-' : `${seconds} s`, operators.join(', '), user, size(bytes)],
    reason ?? 'running, or cut off',
  ])
  return table(['RECORDING', 'BEGAN', 'TIME', 'OPERATOR', 'USER', 'SIZE', 'END'], rows)
}
