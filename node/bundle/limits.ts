/** Limits of bundles on this machine, with the unit in each name. */

/** Unpacked packs in memory for each open bundle: a closure's imports read from neighbouring packs. */
export const cachedPacks = 2
/** Unpacked packs in a scratch file, 258 MiB: what eight neighbours look ahead, each from its own position. */
export const scratchPacks = 32
/** The same where the disk is nearly full: what one neighbour looks ahead. */
export const fewestScratchPacks = 4
/** The part of what is free on the disk that the scratch file may take: the update needs the rest. */
export const scratchShare = 0.25
/** The index is read in blocks of so many entries: 1 MiB at a time. */
export const indexBlockEntries = 23_831
/** Headers are read in blocks: many small files then take one read call. */
export const headerWindowBytes = 64 * 1024
/**
 * zstd level of packs. Of 48 MiB of programs, level 3 makes 5 % fewer bytes than 2 and takes 1.6 times its processor time, 6
 * takes three times as much for 10 %, and 10 eleven times as much for 12 %.
 */
export const packLevel = 2
/** The window of a pack's frame, as a power of two: a whole pack. Frames may not require more. */
export const packWindowLog = 23
/** Attached bundles: a hub's ports, not a shelf of them. */
export const attachedBundles = 16
