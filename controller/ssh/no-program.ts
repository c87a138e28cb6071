/** What is said where a program of OpenSSH is missing on this machine. */

import { HintedError, messageOf } from '../../protocol/errors.ts'

export function noProgram(file: string, cause: unknown): HintedError {
  return new HintedError('no-ssh', `${file} can't be started: ${messageOf(cause)}`, {
    hint: "Install OpenSSH's client, for example: sudo apt-get install openssh-client",
    cause,
  })
}
