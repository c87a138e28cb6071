/** The errors of the Nix store's side: codes to act on, made from what the daemon says. */

import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { isMissing } from '../files/missing.ts'

/**
 * `store-unavailable`: no daemon, or it went away or hung. `signature-refused`: no signature by a trusted key.
 * `nar-mismatch`: the bytes are not the NAR that the info describes. `reference-missing`: a reference is not valid yet.
 * `disk-full`: no room in the store. `path-unknown`: not a valid path of this store. `path-invalid`: no store path, or
 * its files are not what a NAR can hold. `protocol`: the daemon said what this client does not understand.
 * `daemon-refused`: any other error that the daemon reports.
 */
export type StoreErrorCode =
  | 'store-unavailable'
  | 'signature-refused'
  | 'nar-mismatch'
  | 'reference-missing'
  | 'disk-full'
  | 'path-unknown'
  | 'path-invalid'
  | 'protocol'
  | 'daemon-refused'

/** An error of the Nix store or of the connection to it. */
export class StoreError extends ThymeshError<StoreErrorCode> {}

/** What was being done when the daemon refused: the same words mean another thing during an import. */
export type StoreOperation = 'import' | 'query'

const hints: Record<StoreErrorCode, string | undefined> = {
  'store-unavailable': 'Check that Nix is installed and that its daemon runs (`nix-store --version`, `nix store ping`)',
  'signature-refused': "Sign the path with a key of the fleet, or add the signer's key to trusted-public-keys",
  'nar-mismatch': 'Fetch the path again from another peer',
  'reference-missing': 'Import the references of a path before the path itself',
  'disk-full': 'Make room in the store, for example with `nix-collect-garbage`',
  'path-unknown': 'Fetch the path first, or hold a temp root so that it is not collected',
  'path-invalid': undefined,
  protocol: 'Report this with the version of Nix that runs here',
  'daemon-refused': undefined,
}

/** The phrases of Nix 2.3 to 2.35, most telling first. */
const codePhrases: readonly [RegExp, StoreErrorCode][] = [
  [/No space left on device|database or disk is full|Disk quota exceeded/, 'disk-full'],
  [/lacks a (valid )?signature|signature by a trusted key|signature .*is (not valid|corrupt)/, 'signature-refused'],
  [/(hash|size) mismatch|bad archive|Nix archive|NAR (contains|directory)/, 'nar-mismatch'],
  [/not in the Nix store|not a (valid )?store path|illegal (base-32 )?character/, 'path-invalid'],
]

/** What the NAR's parser says without naming the NAR. */
const narPhrase =
  /non-zero padding|string is too long|unexpected end-of-file|end of FramedSource|unknown file type|file name/
/** Errors may quote what they did not expect, and that may be a whole file. */
const maxMessageLength = 2000
const missingPathPhrase = /path '[^']*' (is not valid|does not exist)/

/** Makes a StoreError with the standard hint of its code. */
export function storeError(code: StoreErrorCode, message: string, cause?: unknown): StoreError {
  return new StoreError(code, message, { hint: hints[code], cause })
}

/** Turns an error text of the daemon into a StoreError; the text stays in the message, without its colours. */
export function storeErrorFromDaemon(text: string, operation: StoreOperation): StoreError {
  const plain = withoutAnsi(text)
    .trim()
    .replace(/^error:\s*/, '')
    .slice(0, maxMessageLength)
  return storeError(codeOf(plain, operation), `The Nix store answered: ${plain}`)
}

function codeOf(text: string, operation: StoreOperation): StoreErrorCode {
  const phrase = codePhrases.find(([pattern]) => pattern.test(text))
  if (phrase !== undefined) return phrase[1]
  if (missingPathPhrase.test(text)) return operation === 'import' ? 'reference-missing' : 'path-unknown'
  if (operation === 'import' && narPhrase.test(text)) return 'nar-mismatch'
  return 'daemon-refused'
}

/** Wraps what reading the store's files threw. */
export function storeErrorFromFile(thrown: unknown, what: string): StoreError {
  if (thrown instanceof StoreError) return thrown
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code
  if (isMissing(thrown)) return storeError('path-unknown', `${what} is no longer there`, thrown)
  if (code === 'ENOSPC' || code === 'EDQUOT') return storeError('disk-full', `${what}: ${messageOf(thrown)}`, thrown)
  return storeError('store-unavailable', `${what}: ${messageOf(thrown)}`, thrown)
}

/** The text without terminal colours and other control sequences. */
export function withoutAnsi(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for.
  return text.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '')
}
