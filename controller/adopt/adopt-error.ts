/** Why a machine was not adopted. */

import { HintedError } from '../../protocol/errors.ts'

export class AdoptError extends HintedError<
  | 'not-a-destination'
  | 'unreachable'
  | 'host-key'
  | 'ssh-refused'
  | 'no-ssh'
  | 'connection-lost'
  | 'sudo-asks'
  | 'sudo-refused'
  | 'unsupported-system'
  | 'no-package'
  | 'disk-full'
  | 'clock-wrong'
  | 'no-nix'
  | 'name-taken'
  | 'name-missing'
  | 'config-missing'
  | 'member-already'
  | 'other-adoption'
  | 'adoption-runs'
  | 'needs-module'
  | 'step-failed'
  | 'not-met'
  | 'not-countersigned'
> {}
