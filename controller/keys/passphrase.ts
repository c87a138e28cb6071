/** Where a passphrase comes from: the environment, a file, or the operator at the terminal, without an echo. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { openSync, writeSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { ReadStream } from 'node:tty'
import { visibleLines } from '../../protocol/encoding/visible.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import { environmentPassphrase } from './environment-passphrase.ts'
import { HiddenLine } from './hidden-line.ts'

export class PassphraseError extends HintedError<
  'no-passphrase' | 'passphrases-differ' | 'weak-passphrase' | 'unreadable' | 'readable-by-others'
> {}

/** Short ones fall to guessing, however slow the guesses are. */
const minLength = 8
const ofKeys = 'your signing keys'

export class PassphraseSource {
  #file: string | undefined
  #asked: Promise<string> | undefined
  readonly #ofWork = new AsyncLocalStorage<{ passphrase: string | undefined }>()

  /** As `--passphrase-file` says. */
  useFile(path: string): void {
    this.#file = path
    this.#asked = undefined
  }

  /** The passphrase of the keys; asked for once, however many files it opens. */
  readonly current = async (): Promise<string> => {
    const work = this.#ofWork.getStore()
    if (work?.passphrase !== undefined) return work.passphrase
    if (work !== undefined && !this.#isKnown) throw nobodyToAsk()
    this.#asked ??= this.#given().then(given => given ?? prompt(`Passphrase of ${ofKeys}: `))
    return await this.#asked
  }

  /** Does work that another process has ordered: with that one's passphrase, and without a prompt in this one. */
  async with<T>(passphrase: string | undefined, work: () => Promise<T>): Promise<T> {
    return await this.#ofWork.run({ passphrase }, work)
  }

  /** Whether there is one without asking anybody. */
  get known(): boolean {
    return this.#ofWork.getStore()?.passphrase !== undefined || this.#isKnown
  }

  get #isKnown(): boolean {
    return this.#file !== undefined || this.#asked !== undefined || environmentPassphrase() !== undefined
  }

  /** That of a file which is no key, such as a backup: it may be another one, and is not kept. */
  async of(what: string): Promise<string> {
    return (await this.#given()) ?? (await prompt(`Passphrase of ${what}: `))
  }

  /** A new one: typed twice where it is typed. Throws a PassphraseError when there is nobody to ask. */
  async chosen({ fromEnvironment = true, what = ofKeys } = {}): Promise<string> {
    const given = this.#file !== undefined || fromEnvironment ? await this.#given() : undefined
    const passphrase = given ?? (await prompt(`Choose a passphrase for ${what}: `))
    if (passphrase.length < minLength) {
      throw new PassphraseError(
        'weak-passphrase',
        `expected a passphrase of at least ${minLength} characters, got ${passphrase.length}`,
        {
          hint: `Use five random words: they are easy to remember and hard to guess.${what === ofKeys ? ' --no-passphrase leaves the keys unsealed.' : ''}`,
        },
      )
    }
    if (given === undefined && (await prompt('The same again: ')) !== passphrase) {
      throw new PassphraseError('passphrases-differ', 'the two passphrases differ; nothing was written', {
        hint: 'Run the command again, and type the same passphrase twice.',
      })
    }
    if (what === ofKeys) this.#asked = Promise.resolve(passphrase)
    return passphrase
  }

  async #given(): Promise<string | undefined> {
    if (this.#file === undefined) return environmentPassphrase()
    try {
      const text = await readFile(this.#file, 'utf8')
      if (((await stat(this.#file)).mode & 0o077) !== 0) {
        throw new PassphraseError('readable-by-others', `expected ${this.#file} to be readable by its owner only`, {
          hint: `Run: chmod 600 ${this.#file}`,
        })
      }
      return text.replace(/\r?\n$/, '')
    } catch (thrown) {
      if (thrown instanceof PassphraseError) throw thrown
      throw new PassphraseError(
        'unreadable',
        `--passphrase-file: expected a file that can be read: ${messageOf(thrown)}`,
        {
          hint: 'Put only the passphrase into it, and let only its owner read it (chmod 600).',
          cause: thrown,
        },
      )
    }
  }
}

/** One for the process: a command opens several files. */
export const passphrases = new PassphraseSource()

function nobodyToAsk(): PassphraseError {
  return new PassphraseError(
    'no-passphrase',
    'expected the passphrase of the sealed signing keys in the order, got none',
    {
      hint: 'Give the order by its `thymesh` command, which asks for it, or put "passphrase" into the body.',
    },
  )
}

function noPassphrase(): PassphraseError {
  return new PassphraseError('no-passphrase', 'expected a passphrase, and the prompt was left', {
    hint: 'Run the command again, or set THYMESH_PASSPHRASE.',
  })
}

/** The rest that was pasted behind the last line. */
let pasted: Buffer = Buffer.alloc(0)

/**
 * Asks at the terminal, without an echo: at standard input where that is one, else at the process's own terminal, since
 * what is piped in is content. Throws a PassphraseError where there is no terminal.
 */
export async function prompt(question: string): Promise<string> {
  const terminal = openTerminal()
  const { input, output } = terminal
  // The echo ends before the question is there: who answers fast, or pastes, would see the passphrase.
  input.setRawMode(true)
  const line = new HiddenLine()
  const ended = Promise.withResolvers<void>()
  const onEnd = () => ended.reject(noPassphrase())
  const onData = (bytes: Buffer) => {
    const end = line.take(bytes)
    if (end === 'left') onEnd()
    else if (end === 'line') ended.resolve()
  }
  input.on('data', onData)
  input.once('end', onEnd)
  input.once('error', onEnd)
  input.resume()
  if (pasted.length > 0) onData(pasted)
  pasted = Buffer.alloc(0)
  try {
    output.write(visibleLines(question))
    await ended.promise
    pasted = line.rest
    return line.text
  } finally {
    input.off('data', onData)
    input.off('end', onEnd)
    input.off('error', onEnd)
    input.setRawMode(false)
    input.pause()
    output.write('\n')
    terminal.close()
  }
}

interface Terminal {
  readonly input: ReadStream
  readonly output: { write(text: string): unknown }
  close(): void
}

function openTerminal(): Terminal {
  if (process.stdin.isTTY) return { input: process.stdin, output: process.stderr, close: () => {} }
  try {
    // The stream closes it.
    const fd = openSync('/dev/tty', 'r+')
    const input = new ReadStream(fd)
    const output = { write: (text: string) => writeSync(fd, text) }
    return { input, output, close: () => input.destroy() }
  } catch (cause) {
    throw new PassphraseError(
      'no-passphrase',
      'expected a passphrase for the sealed signing keys, and there is no terminal for a prompt',
      {
        hint: 'Set THYMESH_PASSPHRASE, or name a file with --passphrase-file. For new keys, --no-passphrase leaves them unsealed.',
        cause,
      },
    )
  }
}
