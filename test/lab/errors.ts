/** Errors of the lab itself, as opposed to those of the programs in it. */

import { ThymeshError } from '../../protocol/errors.ts'

export type LabErrorCode =
  | 'lab-missing' // this machine can't run the lab
  | 'base-failed'
  | 'boot-failed'
  | 'not-running'
  | 'timeout'
  | 'command-failed'

export class LabError extends ThymeshError<LabErrorCode> {}
