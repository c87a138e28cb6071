/** Why a session with a peer ended. */

import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import { FrameStreamError } from './frame-stream.ts'

/** `misbehaved`: the peer violated the protocol and is banned for a while. */
export class SessionError extends ThymeshError<'misbehaved' | 'ended'> {}

/** Malformed frames are the peer's own: streams and lanes are authenticated, so they aren't transmission errors. */
export function asMisbehaviour(thrown: unknown): unknown {
  const isWrong = thrown instanceof FormatError || (thrown instanceof FrameStreamError && thrown.code === 'too-large')
  return isWrong ? new SessionError('misbehaved', thrown.message, { cause: thrown }) : thrown
}
