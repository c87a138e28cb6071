/** Changes to documents that stay well-formed: values of other types and sizes, keys that vanish, repeat or are strange. */

import { decode as decodeCbor, encode as encodeCbor } from '@ipld/dag-cbor'
import type { Random } from './random.ts'

type Node = unknown

const strange: ((random: Random) => Node)[] = [
  () => 0,
  () => -1,
  () => 2 ** 48,
  () => Number.MAX_SAFE_INTEGER,
  () => 1.5,
  () => '',
  () => 'x'.repeat(5000),
  () => '__proto__',
  () => '1970-01-01T00:00:00Z',
  () => '9999-12-31T23:59:59Z',
  () => '2026-02-30T00:00:00Z',
  () => '\u0000\ud83d\ude00',
  () => null,
  () => true,
  () => [],
  () => ({}),
  random => random.bytes(random.below(100)),
  () => Array.from({ length: 2000 }, () => 0),
  () => nested(500),
]

function nested(depth: number): Node {
  let node: Node = []
  for (let left = depth; left > 0; left--) node = [node]
  return node
}

/** A copy with one place changed. */
export function mutateValue(value: Node, random: Random): Node {
  if (random.once(6)) return random.pick(strange)(random)
  if (Array.isArray(value) && value.length > 0) {
    const at = random.below(value.length)
    const how = random.below(5)
    if (how === 0) return value.toSpliced(at, 1)
    if (how === 1) return [...value, value[at]]
    if (how === 2) return value.toReversed()
    return value.with(at, mutateValue(value[at], random))
  }
  if (isRecord(value)) {
    const keys = Object.keys(value)
    if (keys.length === 0 || random.once(8))
      return { ...value, [random.pick(['extra', '', 'v', 'x'.repeat(300)])]: random.pick(strange)(random) }
    const key = random.pick(keys)
    const { [key]: chosen, ...rest } = value
    const how = random.below(8)
    if (how === 0) return rest
    if (how === 1) return { ...rest, [random.pick(keys)]: chosen }
    return { ...rest, [key]: mutateValue(chosen, random) }
  }
  if (typeof value === 'number') return random.pick([value + 1, value - 1, -value, value * 2 ** 20, value / 2])
  if (typeof value === 'string')
    return random.pick([value.slice(1), `${value}0`, value.toUpperCase(), value.repeat(3), ` ${value}`])
  if (value instanceof Uint8Array)
    return random.pick([value.subarray(1), Uint8Array.from([...value, 0]), value.map(byte => byte ^ 1)])
  return random.pick(strange)(random)
}

/** Changes the document in CBOR bytes; undefined when they are none, or what came out can't be written. */
export function mutateCbor(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  try {
    let value: Node = decodeCbor(bytes)
    for (let left = 1 + random.below(3); left > 0; left--) value = mutateValue(value, random)
    return encodeCbor(value)
  } catch {
    return undefined
  }
}

/** The same for JSON. */
export function mutateJson(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  try {
    let value: Node = JSON.parse(Buffer.from(bytes).toString())
    for (let left = 1 + random.below(3); left > 0; left--) value = mutateValue(value, random)
    return Buffer.from(JSON.stringify(value))
  } catch {
    return undefined
  }
}

/** Lines of a text: left out, repeated, swapped or with another value. */
export function mutateLines(bytes: Uint8Array, random: Random): Uint8Array {
  const lines = Buffer.from(bytes).toString('latin1').split('\n')
  const at = random.below(lines.length)
  const how = random.below(5)
  const changed =
    how === 0
      ? lines.toSpliced(at, 1)
      : how === 1
        ? lines.toSpliced(at, 0, random.pick(lines))
        : how === 2
          ? lines.with(
              at,
              `${lines[at]?.split(':')[0]}: ${random.pick(['', '0', '-1', '1e9', 'x'.repeat(9000), '../..', '\r'])}`,
            )
          : how === 3
            ? lines.with(at, (lines[at] ?? '').repeat(1 + random.below(50)))
            : lines.toReversed()
  return Buffer.from(changed.join('\n'), 'latin1')
}

function isRecord(value: Node): value is Record<string, Node> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
