/** Intervals of a peer's housekeeping, with the unit in each name. */

/** How often admitted peers are rechecked: certificates expire without an event. */
export const reconsiderMs = 5 * 60_000
/** Shards of a release that are fetched at a time, and how long one may take. */
export const shardFetches = 4
export const shardFetchMs = 60_000
/** Certificates and metadata come in bursts: what they make necessary is looked up together. */
export const shardQuietMs = 200
/** After so many documents in a row that nobody has, no more are asked for in one look. */
export const shardsInVain = 16
/** A proposed release with more in its shards is not fetched before it is published: 50,000 devices with a config each take 18 MB. */
export const proposedShardBytes = 32 * 1024 * 1024
/**
 * What is fetched of one author's proposals: four large ones at once, then one in six hours. Those that were replaced keep their
 * shards for up to two prunings, so who has stolen a key fills some 400 MB of a disk at most.
 */
export const proposedShardBudget = { most: 4 * proposedShardBytes, perSecond: proposedShardBytes / (6 * 60 * 60) }
/** When shards are asked for again that nobody in reach had; a new neighbour is asked at once. */
export const shardRetryFirstMs = 10_000
export const shardRetryLastMs = 10 * 60_000
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
