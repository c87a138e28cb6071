/** What the views of proposals read out of a row. */

import type { ProposalRow } from '../../../api/schemas/proposals.ts'
import { releaseText } from '../base/format.ts'
import type { Shape, Tone } from '../base/tone.ts'
import { proposalsWords } from './proposals-words.ts'

/** Its parts in a few words, such as "Root 4, Release 12". */
export function proposalTitle({ root, release, members, site }: ProposalRow): string {
  const parts = [
    ...(root === null ? [] : [proposalsWords().root(root)]),
    ...(release === null ? [] : [proposalsWords().release(releaseText(release, site))]),
    ...(members === null ? [] : [proposalsWords().members(members)]),
  ]
  return parts.join(', ')
}

/** How many signatures there are of those that it needs: of the roles that lack some, or of the one that needs most. Each once. */
export function signaturesOf({ signatures }: Pick<ProposalRow, 'signatures'>): string {
  const lacking = signatures.filter(({ signed, threshold }) => signed.length < threshold)
  const most = signatures.toSorted((a, b) => b.threshold - a.threshold).slice(0, 1)
  const shown = (lacking.length > 0 ? lacking : most).map(each =>
    proposalsWords().of(each.signed.length, each.threshold),
  )
  return [...new Set(shown)].join(', ')
}

export function proposalMark({ complete, withdrawn }: Pick<ProposalRow, 'complete' | 'withdrawn'>): {
  shape: Shape
  tone: Tone
  word: string
} {
  if (withdrawn) return { shape: 'ring', tone: 'quiet', word: proposalsWords().states.withdrawn }
  if (complete) return { shape: 'disc', tone: 'good', word: proposalsWords().states.complete }
  return { shape: 'square', tone: 'warn', word: proposalsWords().states.open }
}
