/** Varints: whole numbers packed as LEB128, for large tables of small numbers inside a document. */

/** Seven bits in each byte: enough for `Number.MAX_SAFE_INTEGER` (53 bits). */
const maxVarintBytes = 8

/**
 * Packs whole numbers from 0 to `Number.MAX_SAFE_INTEGER`, least significant seven bits first (unsigned LEB128, as in
 * https://github.com/multiformats/unsigned-varint), in as few bytes as each takes.
 */
export function packVarints(numbers: ArrayLike<number>): Uint8Array {
  let length = 0
  for (let i = 0; i < numbers.length; i++) length += varintLength(numbers[i] ?? 0)
  const bytes = new Uint8Array(length)
  let at = 0
  for (let i = 0; i < numbers.length; i++) {
    let rest = numbers[i] ?? 0
    while (rest >= 0x80) {
      bytes[at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    bytes[at++] = rest
  }
  return bytes
}

/**
 * Unpacks the output of {@link packVarints}. Throws a RangeError for a number that is truncated, too large or not
 * minimally encoded (so that a list has one encoding only), and for more than `maxCount` numbers.
 */
export function unpackVarints(bytes: Uint8Array, maxCount = Number.POSITIVE_INFINITY): number[] {
  const numbers: number[] = []
  let value = 0
  let scale = 1
  let length = 0
  for (const byte of bytes) {
    value += (byte & 0x7f) * scale
    length++
    if (byte >= 0x80) {
      if (length === maxVarintBytes) throw new RangeError(`expected a varint of at most ${maxVarintBytes} bytes`)
      scale *= 0x80
      continue
    }
    if (byte === 0 && length > 1) throw new RangeError('expected varints in as few bytes as possible')
    if (numbers.length >= maxCount) throw new RangeError(`expected at most ${maxCount} varints, got more`)
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('expected varints of at most 53 bits')
    numbers.push(value)
    value = 0
    scale = 1
    length = 0
  }
  if (length > 0) throw new RangeError('expected a whole number of varints, got a truncated one')
  return numbers
}

function varintLength(number: number): number {
  let length = 1
  for (let rest = number; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++
  return length
}
