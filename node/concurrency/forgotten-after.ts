/** Options of a cache whose entries go by themselves when nobody asks for them, however much room there is. */

/** A cache needs no exact time, and asking for it costs more than a read. */
const coarseMs = 1000

/**
 * For an `LRUCache` with a limit of its own. Without it, a cache that was full once stays so for ever, and a daemon that has fetched an update
 * keeps what the update needed.
 */
export function forgottenAfter(ms: number) {
  return { ttl: ms, updateAgeOnGet: true, ttlAutopurge: true, ttlResolution: Math.min(coarseMs, ms) } as const
}
