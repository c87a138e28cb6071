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

/** What isn't here of its release, or is wrong with it, in a sentence. */
export function lacksText({ missing, of, problem }: NonNullable<ProposalRow['lacks']>): string {
  if (problem !== null) return proposalsWords().wrong
  return missing === null || of === null ? proposalsWords().noManifest : proposalsWords().noShards(missing, of)
}

export function proposalMark({ complete, withdrawn, lacks }: Pick<ProposalRow, 'complete' | 'withdrawn' | 'lacks'>): {
  shape: Shape
  tone: Tone
  word: string
} {
  if (withdrawn) return { shape: 'ring', tone: 'quiet', word: proposalsWords().states.withdrawn }
  if (lacks?.problem) return { shape: 'triangle', tone: 'bad', word: proposalsWords().states.wrong }
  if (lacks) return { shape: 'square', tone: 'warn', word: proposalsWords().states.lacks }
  if (complete) return { shape: 'disc', tone: 'good', word: proposalsWords().states.complete }
  return { shape: 'square', tone: 'warn', word: proposalsWords().states.open }
}
