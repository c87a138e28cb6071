/** Why a case can't run. */

import { ThymeshError } from '../../../protocol/errors.ts'

export class BenchError extends ThymeshError<
  'apt-missing' | 'not-root' | 'no-update' | 'not-started' | 'failed' | 'timeout'
> {}
