/** Lines of a device's log as text. */

import { visibleFields } from '../../protocol/encoding/visible.ts'
import type { DeviceLog } from '../api/schemas/device.ts'

export function logsText({ lines }: Pick<DeviceLog, 'lines'>): string {
  return visibleFields(lines).join('\n')
}
