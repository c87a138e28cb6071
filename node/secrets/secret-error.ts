/** Why a device could not have its secrets. Messages name the secret's file, never what is in it. */

import { ThymeshError } from '../../protocol/errors.ts'

export class SecretError extends ThymeshError<
  'secret-not-for-us' | 'secret-unreadable' | 'secret-place' | 'secret-account'
> {}
