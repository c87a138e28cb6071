/** Limits of bundles on this machine, with the unit in each name. */

/** Unpacked packs in memory for each open bundle: a closure's imports read from neighbouring packs. */
export const cachedPacks = 2
/** Unpacked packs in a scratch file, 129 MiB: four times what a neighbour looks ahead. */
export const scratchPacks = 16
/** The index is read in blocks of so many entries: 1 MiB at a time. */
export const indexBlockEntries = 23_831
/** Headers are read in blocks: many small files then take one read call. */
export const headerWindowBytes = 64 * 1024
/** zstd level of packs: three times the speed of a fast stick on one core. */
export const packLevel = 3
/** The window of a pack's frame, as a power of two: a whole pack. Frames may not require more. */
export const packWindowLog = 23
/** Attached bundles: a hub's ports, not a shelf of them. */
export const attachedBundles = 16
