/** What is wrong, in the page's words where those of the controller are for a terminal. */

import { type Failure, failureOf } from '../data/client.ts'
import { shared } from './words.ts'

export function saidFailure(thrown: unknown): Failure {
  const failure = failureOf(thrown)
  return failure.code === 'wrong-passphrase' ? { ...failure, ...shared().wrongPassphrase } : failure
}
