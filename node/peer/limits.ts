/** Intervals of a peer's housekeeping, with the unit in each name. */

/** How often admitted peers are rechecked: certificates expire without an event. */
export const reconsiderMs = 5 * 60_000
/** How often unreferenced documents are pruned. */
export const pruneIntervalMs = 24 * 60 * 60_000
/** Metadata updates after which documents are pruned early: a holder of a timestamp key can sign any number. */
export const pruneAfterUpdates = 32
