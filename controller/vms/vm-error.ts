/** Why a virtual machine of this computer was not made, started, stopped or removed. */

import { HintedError } from '../../protocol/errors.ts'

export class VmError extends HintedError<
  | 'vm-needs' // this computer lacks something
  | 'vm-target' // the config is not one for this kind of machine
  | 'vm-taken' // the name is in use
  | 'vm-unknown'
  | 'vm-busy' // another command is at work on it
  | 'vm-full' // no room on the disk
  | 'vm-network'
  | 'vm-broken' // it did not come up or go down
> {}
