/** The checks of this machine as text: a line each, then what to do. */

import { table } from '../format/table.ts'
import type { Check } from '../machine/check.ts'

export function doctorText(checks: readonly Check[]): string {
  const rows = checks.map(({ check, ok, message }) => [check, ok ? 'ok' : 'WRONG', message])
  const hints = checks.flatMap(({ check, hint }) => (hint === null ? [] : [`${check}: ${hint}`]))
  return [table(['CHECK', 'STATE', 'FOUND'], rows), ...(hints.length === 0 ? [] : ['', ...hints])].join('\n')
}
