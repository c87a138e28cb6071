/** What a report says beside the update: a damaged store, and what of the generation is not in force. */

import { damageText } from '../../protocol/report/damage.ts'
import { type Status, shortened } from './device-report.ts'

export interface Remarks {
  /** Paths of the store that are damaged. */
  readonly damaged: readonly string[]
  /** What of the running generation is not in force, a line each. */
  readonly notInForce: readonly string[]
}

/**
 * Adds them to the status's error, whose code stays: it decides what the update's end counts for. Damage comes first, since
 * repairing it may be all that is needed.
 */
export function withRemarks(status: Status, { damaged, notInForce }: Remarks): Status {
  const damage = damageText(damaged)
  const late = notInForce.length === 0 ? undefined : `not in force: ${notInForce.join('; ')}`
  if (damage === undefined && late === undefined) return status
  const code = status.error?.code ?? (damage === undefined ? 'not-in-force' : 'store-damaged')
  const message = [damage, status.error?.message, late].filter(line => line !== undefined).join('\n')
  return { ...status, error: { code, message: shortened(message) } }
}
