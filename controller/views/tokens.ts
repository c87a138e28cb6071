/** Join tokens as text: a line each. */

import type { TokenRow } from '../api/schemas/members.ts'
import { shortId, table } from '../format/table.ts'

export function tokensText({ tokens }: { tokens: readonly TokenRow[] }): string {
  if (tokens.length === 0) return 'No join tokens are known here.'
  const lines = tokens.map(row => [
    shortId(row.id),
    row.names ?? '-',
    row.role ?? '-',
    row.site ?? '-',
    row.expires?.slice(0, 10) ?? '-',
    row.uses === null ? String(row.countersigned) : `${row.countersigned} of ${row.uses}`,
    String(row.provisional),
    row.state,
  ])
  return table(['TOKEN', 'NAMES', 'FOR', 'SITE', 'EXPIRES', 'COUNTERSIGNED', 'PROVISIONAL', 'STATE'], lines)
}
