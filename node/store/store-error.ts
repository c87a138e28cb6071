/** Errors of the Nix store: stable codes, derived from the daemon's messages. */

import { stripVTControlCharacters } from 'node:util'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { isMissing } from '../files/missing.ts'

/**
 * `store-unavailable`: no daemon, or it ended or hung. `signature-refused`: no signature by a trusted key.
 * `nar-mismatch`: the bytes are not the NAR that the info describes. `reference-missing`: a reference is not valid
 * yet. `disk-full`: no space in the store. `path-unknown`: not a valid path of this store. `path-invalid`: not a
 * store path, or a NAR can't represent its files. `protocol`: the daemon sent something that this client doesn't
 * understand. `other-content`: the store has other content under a path than a release describes. `daemon-refused`: any other error from the daemon.
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
  | 'other-content'
  | 'daemon-refused'

/** An error of the Nix store or of the connection to it. */
export class StoreError extends ThymeshError<StoreErrorCode> {}

/** The operation that the daemon refused: the same message has another meaning during an import. */
export type StoreOperation = 'import' | 'query'

const hints: Record<StoreErrorCode, string | undefined> = {
  'store-unavailable': 'Check that Nix is installed and that its daemon runs (`nix-store --version`, `nix store ping`)',
  'signature-refused': "Sign the path with a key of the fleet, or add the signer's key to trusted-public-keys",
  'nar-mismatch': 'Fetch the path again from another peer',
  'reference-missing': 'Import the references of a path before the path itself',
  'disk-full': 'Free space in the store, for example with `nix-collect-garbage`',
  'path-unknown': 'Fetch the path first, or hold a temporary root so that it is not collected',
  'path-invalid': undefined,
  protocol: 'Report this with the Nix version in use',
  'other-content': 'Run as root on the device: nix-store --repair-path PATH; the update is retried automatically',
  'daemon-refused': undefined,
}

/** The messages of Nix 2.3 to 2.35, most specific first. */
const codePhrases: readonly [RegExp, StoreErrorCode][] = [
  [/No space left on device|database or disk is full|Disk quota exceeded/, 'disk-full'],
  [/lacks a (valid )?signature|signature by a trusted key|signature .*is (not valid|corrupt)/, 'signature-refused'],
  [/(hash|size) mismatch|bad archive|Nix archive|NAR (contains|directory)/, 'nar-mismatch'],
  [/not in the Nix store|not a (valid )?store path|illegal (base-32 )?character/, 'path-invalid'],
]

/** The NAR parser's messages that don't name the NAR. */
const narPhrase =
  /non-zero padding|string is too long|unexpected end-of-file|end of FramedSource|unknown file type|file name/
/** Errors may quote unexpected input, which may be a whole file. */
const maxMessageLength = 2000
const missingPathPhrase = /path '[^']*' (is not valid|does not exist)/

/** Makes a StoreError with the default hint of its code. */
export function storeError(code: StoreErrorCode, message: string, cause?: unknown): StoreError {
  return new StoreError(code, message, { hint: hints[code], cause })
}

/** Converts an error message of the daemon; the message is kept, without its colours. */
export function storeErrorFromDaemon(text: string, operation: StoreOperation): StoreError {
  const plain = stripVTControlCharacters(text)
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

/** The disk or its file system has lost what was there: EUCLEAN and EBADMSG are checksums that don't match. */
const damageCodes: ReadonlySet<string> = new Set(['EIO', 'EUCLEAN', 'EBADMSG'])

/** Wraps an error from reading the store's files. */
export function storeErrorFromFile(thrown: unknown, what: string): StoreError {
  if (thrown instanceof StoreError) return thrown
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code
  if (isMissing(thrown)) return storeError('path-unknown', `${what} is no longer there`, thrown)
  if (code === 'ENOSPC' || code === 'EDQUOT') return storeError('disk-full', `${what}: ${messageOf(thrown)}`, thrown)
  if (code !== undefined && damageCodes.has(code))
    return storeError('nar-mismatch', `${what}: ${messageOf(thrown)}`, thrown)
  return storeError('store-unavailable', `${what}: ${messageOf(thrown)}`, thrown)
}

/** The path was collected, or isn't what was expected of it: its bytes have to come from elsewhere. */
export function isGone(thrown: unknown): boolean {
  if (thrown instanceof RangeError) return true
  return thrown instanceof ThymeshError && goneCodes.has(thrown.code)
}

const goneCodes: ReadonlySet<string> = new Set(['path-unknown', 'path-invalid', 'nar-mismatch'])
