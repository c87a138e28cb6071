/** Why a change is not signed, or not published. */

import { HintedError } from '../../protocol/errors.ts'

export class ProposingError extends HintedError<
  | 'no-trust'
  | 'not-asked'
  | 'already-signed'
  | 'no-online-keys'
  | 'withdrawn'
  | 'unknown-proposal'
  | 'root-expired'
  | 'not-shown'
> {}
