/**
 * All differences between two documents, leaf by leaf: it walks the values themselves, so new fields of a schema are
 * included automatically.
 */

/** A value without parts: text, number, boolean, null, bytes, a list of such values, or an empty container. */
export type Leaf = string | number | bigint | boolean | null | Uint8Array | readonly Leaf[] | Record<string, never>

/** A place where the documents differ. `undefined`: the document has no value there. */
export interface Difference {
  /** Keys of maps and indexes of lists, outermost first. */
  readonly path: readonly (string | number)[]
  readonly before: Leaf | undefined
  readonly after: Leaf | undefined
}

/**
 * The differences between two plain values (maps, lists, texts, numbers, bytes), sorted by path. A list of leaves
 * counts as one leaf, so that its order matters. Different documents always have different differences from a third
 * one.
 */
export function differences(before: unknown, after: unknown, path: Difference['path'] = []): Difference[] {
  if (isLeaf(before) && isLeaf(after)) return sameLeaf(before, after) ? [] : [{ path, before, after }]
  const [was, is] = [partsOf(before), partsOf(after)]
  const found: Difference[] = []
  // A container that replaces a leaf, or a container of the other kind, is a difference itself. A map in place of nothing is
  // not: its parts say so.
  const [shellBefore, shellAfter] = [shellOf(before), shellOf(after)]
  const isMap = (shell: Leaf | undefined) => shell !== undefined && leafText(shell) === '{}'
  const isNewMap = before === undefined && isMap(shellAfter)
  if (!isNewMap && !sameLeaf(shellBefore, shellAfter)) found.push({ path, before: shellBefore, after: shellAfter })
  const keys = [...new Set([...was.keys(), ...is.keys()])].sort(byKey)
  for (const key of keys) found.push(...differences(was.get(key), is.get(key), [...path, key]))
  return found
}

/** A leaf as it is; of a container its kind alone, as an empty list or map. */
function shellOf(value: unknown): Leaf | undefined {
  return isLeaf(value) ? value : Array.isArray(value) ? [] : ({} as Record<string, never>)
}

function isLeaf(value: unknown): value is Leaf | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true
  return Array.isArray(value) ? value.every(isLeaf) : Object.keys(value).length === 0
}

function partsOf(value: unknown): Map<string | number, unknown> {
  if (isLeaf(value)) return new Map()
  return new Map<string | number, unknown>(Array.isArray(value) ? value.entries() : Object.entries(value as object))
}

function sameLeaf(one: Leaf | undefined, other: Leaf | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && leafText(one) === leafText(other))
}

function byKey(one: string | number, other: string | number): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  return String(one) < String(other) ? -1 : String(one) > String(other) ? 1 : 0
}

/** A leaf as unambiguous text: JSON, with bytes as `0x` and hex digits. */
export function leafText(leaf: Leaf): string {
  if (leaf instanceof Uint8Array) return `0x${Buffer.from(leaf).toString('hex')}`
  if (Array.isArray(leaf)) return `[${leaf.map(leafText).join(', ')}]`
  return typeof leaf === 'bigint' ? `${leaf}n` : JSON.stringify(leaf)
}
