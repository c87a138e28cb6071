/** Intervals of a peer's housekeeping, with the unit in each name. */

/** How often admitted peers are rechecked: certificates expire without an event. */
export const reconsiderMs = 5 * 60_000
/** How often unreferenced documents are pruned. */
export const pruneIntervalMs = 24 * 60 * 60_000
/** Metadata updates after which documents are pruned early: a holder of a timestamp key can sign any number. */
export const pruneAfterUpdates = 32
/** How long a neighbour may take to answer a question about the network. */
export const lookMs = 6_000
/** A clock that differs from those of the neighbours by more is wrong: certificates and windows count in minutes. */
export const clockOffMs = 60_000
/** Neighbours that are asked at a time, and those that are asked to dial this peer. */
export const askedNeighbours = 20
export const askedToDial = 3
/** Closures that devices run, of which a new release tells how far the content of large paths has moved. */
export const comparedClosures = 16
