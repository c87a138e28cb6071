/** Lines of a device's log as text. */

import { visibleFields } from '../../protocol/encoding/visible.ts'
import type { DeviceLog, SearchedLogs } from '../api/schemas/device.ts'
import { mergedLines } from '../format/log-lines.ts'
import { table } from '../format/table.ts'

export function logsText({ lines }: Pick<DeviceLog, 'lines'>): string {
  return visibleFields(lines).join('\n')
}

/** Lines of many devices by their times, each behind its device's name; below them who was not reached. */
export function searchedText({ devices }: SearchedLogs): string {
  const lines = visibleFields(mergedLines(devices))
  const unreached = devices.filter(({ state }) => state === 'unreached')
  const cut = devices.filter(each => each.cut).map(({ device }) => device)
  const fits = devices.filter(each => each.lines.length > 0).length
  const read = devices.length - unreached.length
  return [
    ...lines,
    ...(lines.length > 0 ? [''] : []),
    ...(unreached.length > 0
      ? [
          table(
            ['NOT READ', 'REASON'],
            unreached.map(({ device, reason }) => [device, reason ?? '']),
          ),
        ]
      : []),
    ...(cut.length > 0
      ? [`Searched in the newest lines only, of ${cut.join(', ')}: name a --unit or a later --since.`]
      : []),
    `${lines.length} lines on ${fits} of ${read} devices that were read; ${unreached.length} not read.`,
  ].join('\n')
}
