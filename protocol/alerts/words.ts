/** Conditions in words, for people who are told of them. */

import { unitOf } from '../metrics/series.ts'
import type { Condition } from './rules.ts'

/** What was found when it began. */
interface Found {
  readonly value?: number | null | undefined
  readonly unit?: string | null | undefined
}

/** A condition that holds, such as `disk above 90 % for 15m, now 93 %`. */
export function conditionText(condition: Condition, { value, unit }: Found = {}): string {
  if ('absent' in condition) return `not heard of for ${condition.absent}`
  if ('metric' in condition) {
    const sign = unitOf(condition.metric) === 'percent' ? ' %' : ''
    const bound = condition.above === undefined ? `below ${condition.below}` : `above ${condition.above}`
    const lasting = condition.for === undefined ? '' : ` for ${condition.for}`
    return `${condition.metric} ${bound}${sign}${lasting}${value === undefined || value === null ? '' : `, now ${value}${sign}`}`
  }
  if ('state' in condition) return `the state is ${condition.state}`
  if ('unit' in condition) return `${unit ?? condition.unit} has failed`
  if ('freshness' in condition) return `its metadata is ${condition.freshness}`
  if ('certificate' in condition) return `its certificate ends within ${condition.certificate}`
  if ('held' in condition) return 'its rollout is held'
  if ('contradiction' in condition) return 'it has seen two signed documents of one version'
  if ('clone' in condition) return 'it has seen a copied key'
  return `${value ?? condition.wear} % of the life of its flash memory is used`
}
