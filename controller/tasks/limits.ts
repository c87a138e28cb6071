/** Bounds of tasks, the unit in the name and a reason beside each. */

/** So many tasks are kept: months of a fleet that is released daily. */
export const keptTasks = 500
/** Days that an ended task is kept. */
export const keptDays = 90
/** Output of one task: a build from sources with all logs. What is above is left out, and the last line says how much. */
export const outputBytes = 64 * 1024 * 1024
/** Characters of one line; a program may print a whole file in one. */
export const lineCharacters = 10_000
/** How often progress is told and kept: a person sees no more. */
export const progressMs = 250
/** Tasks that run at a time: builds share the machine's memory. */
export const runningTasks = 8
/** Steps of one task: more than any has. */
export const keptSteps = 200
/** Activities that a record names: a screen of them. */
export const keptActivities = 60
/** How long lines wait for others, to be told and written together: nobody sees it, and each telling costs as much as many lines. */
export const outputMs = 100
/** What waits at most. */
export const partBytes = 1024 * 1024
/** Characters that are looked at together: as long as most strings may be that V8 allocates in memory that it has. */
export const sliceCharacters = 64 * 1024
