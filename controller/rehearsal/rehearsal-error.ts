/** Why a config could not be tried: this is no verdict on it. */

import { HintedError } from '../../protocol/errors.ts'

export class RehearsalError extends HintedError<
  | 'try-needs' // this machine lacks something
  | 'try-root' // no root to boot a machine from
  | 'try-target'
  | 'try-broken' // the trial itself broke
  | 'try-left'
> {}
