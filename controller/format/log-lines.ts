/** Lines of journals: when each was written, and those of many devices in one order. */

import { limits } from '../../protocol/limits.ts'

/** When a line was written, as `short-iso` has it, in milliseconds since 1970; undefined for lines that go on. */
export function timeOf(line: string): number | undefined {
  const time = Date.parse(
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{4}/.exec(line)?.[0].replace(/(\d\d)$/, ':$1') ?? '',
  )
  return Number.isNaN(time) ? undefined : time
}

/** Lines of many devices by their times, each behind its device's name. */
export function mergedLines(
  devices: readonly { readonly device: string; readonly lines: readonly string[] }[],
): string[] {
  return devices
    .flatMap(({ device, lines }) => {
      // A line that goes on stays behind the one that it belongs to.
      let last = 0
      return lines.map(line => {
        last = timeOf(line) ?? last
        return { time: last, text: `${device}: ${line}` }
      })
    })
    .sort((one, other) => one.time - other.time)
    .map(({ text }) => text)
}

/** Lines with a text, in any case of letters; all without one. */
export function linesWith(lines: readonly string[], wanted: string | undefined): string[] {
  const text = wanted?.toLowerCase()
  return lines.filter(line => text === undefined || line.toLowerCase().includes(text))
}

/** What a cut in the middle of a line loses at most, for a guess whether there was one. */
const maxLineBytes = 4096

/** Whether a device that was asked for as much as it tells at once may have had more. */
export function mayBeCut(lines: readonly string[]): boolean {
  const encoder = new TextEncoder()
  // The device cuts at bytes, too; a line is never that long.
  const bytes = lines.reduce((sum, line) => sum + encoder.encode(line).length + 1, 0)
  return lines.length >= limits.logLines || bytes > limits.logBytes - maxLineBytes
}
