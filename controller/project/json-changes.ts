/** What differs between two JSON values, by path: what a preview of an edit shows. */

import { isDeepStrictEqual } from 'node:util'

export interface JsonChange {
  readonly path: readonly (string | number)[]
  /** Missing where there was nothing. */
  readonly before?: unknown
  /** Missing where there is nothing any more. */
  readonly after?: unknown
}

/** Objects key by key, in the order of their keys; lists as wholes, since an index names another element after an edit. */
export function jsonChanges(before: unknown, after: unknown, path: JsonChange['path'] = []): JsonChange[] {
  if (isDeepStrictEqual(before, after)) return []
  if (!isObject(before) || !isObject(after)) {
    return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }]
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  const at = (value: Record<string, unknown>, key: string) => (Object.hasOwn(value, key) ? value[key] : undefined)
  return [...keys].flatMap(key => jsonChanges(at(before, key), at(after, key), [...path, key]))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
