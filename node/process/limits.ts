/** Limits of this process and of the programs that it runs, the unit in the name and a reason beside each. */

/** How often it is looked whether the daemon rests, and so gives back memory. */
export const restCheckMs = 30_000
/** It rests when it took no more of the processor since the last look, in milliseconds: joining a mesh takes a second. */
export const restCpuMs = 300
/** Memory is not worth a collection, a tenth of a second and several on slow boards, before this much may be garbage. */
export const restGarbageBytes = 3 << 20
/** Lines of a failed program's output that an error shows. */
export const outputLines = 20
