/** What can be wrong with secrets on the operator's side. No message holds what a secret says. */

import { ThymeshError } from '../../protocol/errors.ts'

export class SecretsError extends ThymeshError<
  'no-secret' | 'secret-content' | 'not-an-operator' | 'no-yescrypt' | 'no-editor'
> {}
