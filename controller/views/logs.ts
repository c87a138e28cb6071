/** Lines of a device's log as text. */

import type { DeviceLog } from '../queries/logs.ts'

export function logsText({ lines }: DeviceLog): string {
  return lines.map(printable).join('\n')
}

/** A line in which control characters are replaced: a program on a device must not steer the operator's terminal. */
export function printable(line: string): string {
  return [...line].map(each => (isControl(each) ? '\uFFFD' : each)).join('')
}

function isControl(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return (code < 0x20 && code !== 0x09) || (code >= 0x7f && code < 0xa0)
}
