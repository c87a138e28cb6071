/** Whether an update is booted instead of switched to, and why: what it needs, and what the reboot policy allows. */

import { rebootWhen } from '../../protocol/release/reboot-policy.ts'
import { maxByBoot } from './journal-entry.ts'
import type { ActivationSystem } from './system.ts'
import type { WantedSystem } from './wanted-system.ts'

export interface BootReason {
  /** Nothing: it is switched to. */
  readonly reason?: string
  /** Why it can be neither switched to nor booted. */
  readonly refused?: string
}

export async function bootReason(
  wanted: WantedSystem,
  system: Pick<ActivationSystem, 'startsUnits' | 'running' | 'rebootNeed'>,
): Promise<BootReason> {
  const old = await system.running()
  // In a folder nothing boots; and a boot that fails needs a generation to fall back to.
  if (!system.startsUnits || old === undefined || old === wanted.topLevel) return {}
  const when = rebootWhen(wanted.reboot, wanted.target)
  const need = await system.rebootNeed(wanted.target, { running: old, next: wanted.topLevel })
  if (when === 'never') {
    if (!need?.refusesSwitch) return {}
    return { refused: `this update needs a reboot (${need.reason}), and the policy says never to reboot for one` }
  }
  if (need !== undefined) return { reason: need.reason.slice(0, maxByBoot) }
  return when === 'always' ? { reason: 'the policy says always to reboot' } : {}
}
