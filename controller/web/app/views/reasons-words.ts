/** What devices say of themselves, why they wait and what is wrong: as they say it, or in German by what is known of it. */

import { type GermanError, germanError } from '../base/german-error.ts'
import { germanReason } from '../base/german-reason.ts'
import { words } from '../base/language.svelte.ts'

export const reasonsWords = words(
  {
    /** Why a wave or a device waits. */
    turn: (reason: string) => reason,
    /** Undefined where the device's own words are the ones to show. */
    error: (_code: string, _device: string): GermanError | undefined => undefined,
  },
  { turn: germanReason, error: germanError },
)
