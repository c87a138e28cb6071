/** Limits of this process and of the programs that it runs, the unit in the name and a reason beside each. */

/** How often the collector looks whether the daemon is idle. */
export const idleCheckMs = 30_000
/** It is idle when it took no more of the processor since the last look, in milliseconds: joining a mesh takes a second. */
export const idleCpuMs = 300
/** Memory is not worth a collection, a tenth of a second and several on slow boards, before this much may be garbage. */
export const idleGarbageBytes = 3 << 20
/** Lines of a failed program's output that an error shows. */
export const outputLines = 20
