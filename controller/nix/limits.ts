/** Time limits of Nix's programs and bounds of what they print, the unit in the name and a reason beside each. */

/** The time limit of one evaluation of a project. The largest fleets take seconds; a longer one has no end. */
export const evaluationMs = 120_000
/** The time limit of one config's build: a kernel or a browser from its sources, on a small machine. */
export const buildMs = 6 * 3600_000
/** Fetching and locking all inputs, over a slow line. */
export const lockMs = 30 * 60_000
/** Reading or linking paths of the store: its database may be locked by a build for a while. */
export const storeMs = 120_000
/** Asking the system for its groups. */
export const groupMs = 5_000

/** Lines of Nix's that are read: its trace names the place of an error some way above the end. */
export const keptLines = 400
/** Lines of Nix's that an error shows. */
export const shownLines = 20
