/** Prompts at the terminal: before something is signed, or for what was left out. */

import { createInterface } from 'node:readline/promises'
import { visibleLines } from '../../../protocol/encoding/visible.ts'
import { HintedError } from '../../../protocol/errors.ts'

/** Whether the operator agrees, by `--yes` or at the prompt. Throws where there is no terminal. */
export async function confirm({ yes }: { yes: boolean }, question: string): Promise<boolean> {
  if (yes) return true
  if (!process.stdin.isTTY) {
    throw new HintedError('not-confirmed', 'expected a confirmation, and there is no terminal for a prompt', {
      hint: 'Review the changes, then add --yes.',
    })
  }
  return /^y(es)?$/i.test(await answerTo(`${question} [y/N] `))
}

/** The operator's answer, without spaces around it. Only at a terminal. */
export async function answerTo(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await terminal.question(visibleLines(question))).trim()
  } finally {
    terminal.close()
  }
}
