/** Limits of this process and of child processes, with the unit in each name. */

/** How often the collector checks whether the daemon is idle. */
export const idleCheckMs = 30_000
/**
 * The daemon is idle below this processor time since the last check, in milliseconds: joining a mesh takes a second.
 */
export const idleCpuMs = 300
/**
 * The estimated garbage that makes a collection worthwhile: it takes a tenth of a second, and several on slow boards.
 */
export const idleGarbageBytes = 3 << 20
/** How often the daemon looks whether it works for long, and the processor time since the last look from which on it does: a fifth. */
export const busyCheckMs = 10_000
export const busyCpuMs = 2_000
/** Lines of a failed program's output in an error. */
export const outputLines = 20
/** Slabs that small buffers are taken from. */
export const bufferPoolBytes = 8 * 1024
