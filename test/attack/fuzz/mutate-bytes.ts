/** Changes to bytes that know nothing of what they mean. */

import type { Random } from './random.ts'

/** Numbers at which parsers stumble, as bytes. */
const edges = ['00', 'ff', '7f', '80', 'ffff', '0000', '7fffffff', 'ffffffff', '00000000', 'ffffffffffffffff'].map(
  hex => Buffer.from(hex, 'hex'),
)

type Change = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array

const changes: Change[] = [
  // One bit.
  (bytes, random) => {
    const copy = Uint8Array.from(bytes)
    const at = random.below(Math.max(1, copy.length))
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8))
    return copy
  },
  // Cut off.
  (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  // An edge number over what is there.
  (bytes, random) => over(bytes, random, random.pick(edges)),
  // Random bytes over what is there.
  (bytes, random) => over(bytes, random, random.bytes(1 + random.below(8))),
  // Something put in between.
  (bytes, random) => {
    const at = random.below(bytes.length + 1)
    const more = random.once(2) ? random.pick(edges) : random.bytes(1 + random.below(16))
    return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)])
  },
  // A part left out.
  (bytes, random) => {
    const at = random.below(bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(16))])
  },
  // A part repeated.
  (bytes, random) => {
    const at = random.below(bytes.length + 1)
    const part = bytes.subarray(at, at + 1 + random.below(64))
    const times = 1 + random.below(random.once(20) ? 2000 : 4)
    return Buffer.concat([bytes.subarray(0, at), ...Array.from({ length: times }, () => part), bytes.subarray(at)])
  },
  // The beginning of one and the end of another.
  (bytes, random, other) =>
    Buffer.concat([bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1))]),
]

function over(bytes: Uint8Array, random: Random, patch: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const at = random.below(Math.max(1, copy.length))
  copy.set(patch.subarray(0, copy.length - at), at)
  return copy
}

/** One to four changes. */
export function mutateBytes(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  let changed = bytes
  for (let left = 1 + random.below(4); left > 0; left--) changed = random.pick(changes)(changed, random, other)
  return changed
}
