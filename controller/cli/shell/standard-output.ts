/** Handles output that can't be written: a closed pipe is no error, a full disk is one. */

import { messageOf } from '../../../protocol/errors.ts'
import { explained } from '../../format/system-error.ts'
import { exitCodes, printError } from './output.ts'

/** Listens before the first output; `exitCode` says how it went after the last. */
export class StandardOutput {
  readonly #stream: NodeJS.WritableStream
  #failure: unknown

  /** Also of standard error's reader it is no error that it left. */
  constructor(stream: NodeJS.WritableStream = process.stdout, news: NodeJS.WritableStream = process.stderr) {
    this.#stream = stream
    stream.on('error', thrown => {
      if (!hasLeft(thrown)) this.#failure ??= thrown
    })
    // There is nowhere else to say it.
    news.on('error', () => {})
  }

  /** The command's own exit code, or 1 with a message where its output was not written. */
  async exitCode(ofCommand: number): Promise<number> {
    await new Promise<void>(resolve => this.#stream.write('', () => resolve()))
    // Errors of a write come a moment after it.
    await new Promise(setImmediate)
    if (this.#failure === undefined) return ofCommand
    const { message, hint } = explained(this.#failure) as { message?: string; hint?: string }
    printError(
      { json: false },
      {
        code: 'output-failed',
        message: `standard output can't be written: ${message ?? messageOf(this.#failure)}`,
        hint: hint ?? 'Check where the output goes, and run the command again.',
      },
    )
    return exitCodes.failed
  }
}

/** The reader of a pipe has closed it, as `head` does. */
function hasLeft(thrown: Error): boolean {
  return 'code' in thrown && (thrown.code === 'EPIPE' || thrown.code === 'ERR_STREAM_DESTROYED')
}
