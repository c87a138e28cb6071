/** Limits of a peer's stored state and of its clock, with the unit in each name. */

/** An earlier clock is wrong: Thymesh is younger. Boards without a battery start long before. */
export const earliestTime = new Date('2026-01-01T00:00:00Z')
/** How far signed documents may raise the time floor at once: above a running clock, and without one. */
export const clockBehindMs = 30 * 86_400_000
export const floorJumpMs = 400 * 86_400_000

/** Age identities kept beside the certified one, for secrets in flight during a renewal. */
export const ageIdentitiesKept = 8
export const ageIdentityKeptMs = 180 * 86_400_000
/** How long a log that shrank or forked is told of after it was last seen. */
export const logAlarmMs = 30 * 86_400_000
/** Stored equivocations, clones and forked logs, of each: a few KiB each, more with metadata. */
export const evidenceKept = 128
/** How long a clone is reported after it was last seen. */
export const cloneAlarmMs = 7 * 86_400_000
/**
 * The newest releases whose documents are kept and whose closures are served, for rollbacks. About 100 bytes of
 * memory for each path that they don't share, and 200 bytes of disk.
 */
export const keptReleases = 32
/** How long others' reports stay unwritten: a power cut loses so many, and the neighbours send them again. */
export const reportsUnwrittenMs = 60_000
