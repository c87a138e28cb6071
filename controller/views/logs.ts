/** Lines of a device's log as text. */

import { visibleFields } from '../../protocol/encoding/visible.ts'
import type { DeviceLog, SearchedLogs } from '../api/schemas/device.ts'
import { table } from '../format/table.ts'

export function logsText({ lines }: Pick<DeviceLog, 'lines'>): string {
  return visibleFields(lines).join('\n')
}

/** When a line was written, as `short-iso` has it, in milliseconds since 1970; undefined for lines that go on. */
export function timeOf(line: string): number | undefined {
  const time = Date.parse(
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{4}/.exec(line)?.[0].replace(/(\d\d)$/, ':$1') ?? '',
  )
  return Number.isNaN(time) ? undefined : time
}

/** Lines of many devices by their times, each behind its device's name; below them who was not reached. */
export function searchedText({ devices }: SearchedLogs): string {
  const all = devices.flatMap(({ device, lines }) => {
    // A line that goes on stays behind the one that it belongs to.
    let last = 0
    return lines.map(line => {
      last = timeOf(line) ?? last
      return { time: last, text: `${device}: ${line}` }
    })
  })
  const lines = visibleFields(all.sort((one, other) => one.time - other.time).map(({ text }) => text))
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
