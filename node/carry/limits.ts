/** Limits of carrying bundles, with the unit in each name. */

const MiB = 1024 ** 2

/** The body of a pack: 8 MiB compress a third better than single chunks, and larger ones hardly more. */
export const packBytes = 8 * MiB
/** What a volume holds beside its chunks: metadata, certificates and documents of a fleet with many configs. */
export const volumeOverheadBytes = 64 * MiB
/** Finished packs that may wait to be written, beside those that threads have. */
export const finishedPacks = 1
/** How often a running take looks whether the bundle is still needed. */
export const feedIntervalMs = 500
/** A take ends if the device still lacks something, but nothing was read for so long: longer than a fetch's own patience. */
export const stuckMs = 20_000
/** Takes at a time: one for each stick. */
export const parallelTakes = 16
/** A request is a path and a few words. */
export const maxDoorRequestBytes = 8 * 1024
/** A command sends its request at once. */
export const takeRequestMs = 5_000
/** An outbox takes a second; a stick may write a megabyte in one. */
export const outboxMs = 120_000
/** Facts are in memory, but for the recipes of two closures. */
export const factsMs = 30_000
/** Chunks that are compressed for an estimate: a few MiB, in which a closure's programs and texts are both. */
export const sampledChunks = 96
/** zstd level of deltas: that of the swarm. */
export const deltaLevel = 3
/**
 * A delta is kept if it is smaller than this share of its chunk: others compress nearly as well in a pack. The update of the
 * benchmark takes 19.0 MB with 0.3, 18.2 with 0.4 and 18.0 with 0.6.
 */
export const deltaShare = 0.5
/** Deltas that are made while the next base is read. */
export const parallelDeltas = 4
/** A daemon looks at its network for 10 seconds at most. */
export const lookMs = 20_000
