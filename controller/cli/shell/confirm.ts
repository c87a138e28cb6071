/** Asking an operator before something is signed. */

import { createInterface } from 'node:readline/promises'
import { ThymeshError } from '../../../protocol/errors.ts'

/** Whether the operator says yes; `--yes` says it before. Throws where there is nobody to ask. */
export async function confirm({ yes }: { yes: boolean }, question: string): Promise<boolean> {
  if (yes) return true
  if (!process.stdin.isTTY) {
    throw new ThymeshError('not-confirmed', 'expected a yes, and there is no terminal to ask at', {
      hint: 'Look at what it changes, then give --yes.',
    })
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
  } finally {
    terminal.close()
  }
}
