/** Intervals of a peer's own housekeeping, the unit in the name and a reason beside each. */

/** Admitted peers are judged again this often: certificates end without any news. */
export const reconsiderMs = 5 * 60_000
/** How often documents that nothing needs are looked for. */
export const pruneIntervalMs = 24 * 60 * 60_000
/** Sets of metadata that are taken before that is done early: whoever has a timestamp key can sign any number. */
export const pruneAfterUpdates = 32
