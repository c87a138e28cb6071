/** What is said by the way in a report: as much of it as fits. Without it the device would not look silent; because of it, it must not. */

import { FormatError } from '../../protocol/encoding/cbor.ts'
import type { Extensions } from '../../protocol/encoding/extensions.ts'

/**
 * Signs with all parts; where that is refused, with each that can be added to those before it. One that is too large or no value
 * of its kind takes no other with it. Gives the names of those that are left out.
 */
export function signedWithWhatFits(
  sign: (extensions: Extensions) => Uint8Array,
  parts: readonly Extensions[],
): { envelope: Uint8Array; leftOut: string[] } {
  const whole = signedIfValid(sign, Object.assign({}, ...parts))
  if (whole !== undefined) return { envelope: whole, leftOut: [] }
  const leftOut: string[] = []
  let [said, envelope]: [Extensions, Uint8Array] = [{}, sign({})]
  for (const part of parts) {
    const more = { ...said, ...part }
    const next = signedIfValid(sign, more)
    if (next === undefined) leftOut.push(...Object.keys(part))
    else [said, envelope] = [more, next]
  }
  return { envelope, leftOut }
}

function signedIfValid(sign: (extensions: Extensions) => Uint8Array, said: Extensions): Uint8Array | undefined {
  try {
    return sign(said)
  } catch (thrown) {
    if (thrown instanceof FormatError) return undefined
    throw thrown
  }
}
