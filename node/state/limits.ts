/** Bounds of what a peer keeps and of its clock, the unit in the name and a reason beside each. */

/** No clock that says less is right: Thymesh is younger. Boards without a battery begin long before. */
export const earliestTime = new Date('2026-01-01T00:00:00Z')
/** How far signed documents may lift the time floor at once: above a clock that runs, and where there is none. */
export const clockBehindMs = 30 * 86_400_000
export const floorJumpMs = 400 * 86_400_000

/** Age identities that a peer keeps beside the certified one, for secrets that are in flight when it is renewed. */
export const ageIdentitiesKept = 8
export const ageIdentityKeptMs = 180 * 86_400_000
/** Contradictions that are kept, a few KiB each but for metadata. */
export const evidenceKept = 128
/** How long a clone that was seen is told of. */
export const cloneAlarmMs = 7 * 86_400_000
/**
 * Releases whose documents are kept and whose closures are served, the newest: a fleet goes back to one of these. Some 100
 * bytes of memory for each path that they don't share, 200 bytes of disk.
 */
export const keptReleases = 32
