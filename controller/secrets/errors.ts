/** Errors about secrets on the operator's side. No message holds the content of a secret. */

import { HintedError } from '../../protocol/errors.ts'

export class SecretsError extends HintedError<
  'no-secret' | 'secret-content' | 'not-an-operator' | 'no-yescrypt' | 'no-editor'
> {}
