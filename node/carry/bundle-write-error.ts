/** Why a bundle can't be written. */

import { HintedError } from '../../protocol/errors.ts'

export class BundleWriteError extends HintedError<'chunk-missing' | 'document-missing'> {}
