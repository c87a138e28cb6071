/** A table of a peer's state, in memory. */

import type { Table } from '../../node/state/database.ts'

export function memoryTable(): Table {
  const kept = new Map<string, Uint8Array>()
  return {
    get: async key => kept.get(key),
    getSync: key => kept.get(key),
    put: async (key, value) => void kept.set(key, value),
    putAll: async values => values.forEach((value, key) => void kept.set(key, value)),
    delete: async key => void kept.delete(key),
    async *entries() {
      yield* kept.entries()
    },
    async *keys() {
      yield* kept.keys()
    },
  }
}
