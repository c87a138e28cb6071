/** `thymesh guest`: a step of the unit that the module `virtual-machines` makes of a guest of this device. */

import { HintedError } from '../../../protocol/errors.ts'
import type { Talk } from '../../tasks/talk.ts'
import { connectGuest, prepareGuest, stopGuest } from '../../vms/guest.ts'
import { type GuestPlan, readGuestPlan } from '../../vms/guest-plan.ts'
import { prepareMs } from '../../vms/limits.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { note } from '../shell/output.ts'

export interface GuestOptions extends GlobalOptions {
  step: string
  plan: string
}

export async function guest(options: GuestOptions): Promise<undefined> {
  await stepOf(options)(await readGuestPlan(options.plan))
}

function stepOf(options: GuestOptions): (plan: GuestPlan) => Promise<void> {
  switch (options.step) {
    case 'prepare':
      return plan => prepareGuest(plan, talkOf(options))
    case 'connect':
      // systemd says so to the commands of a unit.
      return plan => connectGuest(plan, Number(process.env.MAINPID ?? 0))
    case 'stop':
      return async plan => {
        if (await stopGuest(plan)) note(options, `${plan.name} did not shut down, and was killed.`)
      }
    default:
      throw new HintedError('unknown-step', `expected prepare, connect or stop, got ${options.step}`, {
        hint: 'The units of guests give it: systemctl start thymesh-guest-NAME.',
      })
  }
}

/** To the journal of the unit. */
function talkOf(options: GuestOptions): Talk {
  return {
    note: text => note(options, text),
    step: name => note(options, name),
    ...{ detail: () => {}, activities: () => {}, progress: () => {} },
    signal: AbortSignal.timeout(prepareMs),
  }
}
