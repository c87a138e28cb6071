/** Lines of a device's log as text. */

import { visibleLines } from '../format/visible.ts'
import type { DeviceLog } from '../queries/logs.ts'

export function logsText({ lines }: Pick<DeviceLog, 'lines'>): string {
  return visibleLines(lines.join('\n'))
}
