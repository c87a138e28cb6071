/** The Unix socket of a running controller: it lies beside the database whose lock that controller has. */

import { join } from 'node:path'

export function socketFile(stateDirectory: string): string {
  return join(stateDirectory, 'local.sock')
}
