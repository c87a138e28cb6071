/** Why a bundle, or a part of it, is not used. */

import { HintedError } from '../errors.ts'

/**
 * `not-a-bundle`: other bytes. `truncated`: it ends too early. `malformed`: it breaks a rule of the format. `too-large`:
 * a part exceeds its limit. `other-fleet`: it belongs to another fleet. `damaged`: its bytes don't match their hashes.
 */
export class BundleError extends HintedError<
  'not-a-bundle' | 'truncated' | 'malformed' | 'too-large' | 'other-fleet' | 'damaged'
> {
  static malformed(message: string): BundleError {
    return new BundleError('malformed', message, { hint: 'Write the bundle again with `thymesh bundle write`.' })
  }

  static truncated(message: string): BundleError {
    return new BundleError('truncated', message, {
      hint: 'Copy the bundle again; `thymesh bundle write` continues one that was interrupted.',
    })
  }
}
