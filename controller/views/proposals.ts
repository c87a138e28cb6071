/** Proposals as text: a line each. */

import { missingText } from '../../protocol/release/join-shards.ts'
import type { ProposalRow } from '../api/schemas/proposals.ts'
import { ago, shortId, table } from '../format/table.ts'
import { signaturesText, titleOfParts } from './proposal.ts'

/** Why nobody can sign it yet, in the words of the error. */
function lacksText(lacks: NonNullable<ProposalRow['lacks']>): string {
  return lacks.problem === null ? missingText(lacks) : `${lacks.problem.code}: ${lacks.problem.message}`
}

export function proposalsText({ proposals }: { proposals: readonly ProposalRow[] }): string {
  if (proposals.length === 0) return 'No proposals: nothing waits for a signature.'
  const lines = proposals.map(row => [
    shortId(row.id),
    titleOfParts(row),
    row.operator,
    ago(row.created),
    row.withdrawn
      ? 'withdrawn'
      : [row.complete ? 'complete' : signaturesText(row), ...(row.lacks ? [lacksText(row.lacks)] : [])].join('; '),
    row.statements
      .filter(({ verdict }) => verdict !== 'proposed')
      .map(({ operator, verdict }) => `${verdict} by ${operator}`)
      .join(', '),
    row.message,
  ])
  return table(['ID', 'WHAT', 'BY', 'WHEN', 'SIGNATURES', 'SAID', 'MESSAGE'], lines)
}
