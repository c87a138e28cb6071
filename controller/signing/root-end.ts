/** The end of the fleet's root: told early, since nothing can be signed after it but the next root. */

import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import { ProposingError } from './proposing-error.ts'

/** Of the two years that a root lasts, and long enough for several operators to meet. */
const toldDays = 90
const dayMs = 86_400_000
const renewal = 'thymesh root propose --renew'

export interface RootEnd {
  readonly expires: string
  /** Whole days from now; negative after the end. */
  readonly daysLeft: number
}

/** When the root ends, from 90 days before; nothing earlier. */
export function rootEnd({ root }: Pick<TrustedSet, 'root'>, now: Date): RootEnd | undefined {
  const { expires } = root.signed
  const daysLeft = Math.floor((Date.parse(expires) - now.getTime()) / dayMs)
  return daysLeft <= toldDays ? { expires, daysLeft } : undefined
}

/** The same for an operator, with the command that renews it. */
export function rootEndText({ expires, daysLeft }: RootEnd): string {
  const days = daysLeft === 1 ? '1 day' : `${daysLeft} days`
  const end = daysLeft < 0 ? `ended on ${expires}` : `ends on ${expires}, in ${days}`
  return `The root of this fleet ${end}. Without the next one nothing can be released. Renew it: ${renewal}`
}

/** Throws a ProposingError where the root has ended: what is signed under it can't be published. */
export function requireLivingRoot(trusted: Pick<TrustedSet, 'root'>, now: Date): void {
  const end = rootEnd(trusted, now)
  if (end === undefined || end.daysLeft >= 0) return
  throw new ProposingError('root-expired', `expected a root that has not ended, got one that ended on ${end.expires}`, {
    hint: `Renew it: ${renewal}. If this machine's clock is wrong, set it.`,
  })
}
