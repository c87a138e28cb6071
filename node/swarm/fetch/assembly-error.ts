/** Why a closure could not be assembled. */

import { ThymeshError } from '../../../protocol/errors.ts'

/**
 * `wrong-closure`: verified chunks yield another NAR than the descriptor's. `chunk-lost`: a chunk that was available
 * repeatedly vanished before it was read.
 */
export class AssemblyError extends ThymeshError<'wrong-closure' | 'chunk-lost'> {}
