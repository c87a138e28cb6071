/** Limits of witnessed logs, with the unit in each name. */

/** The newest entries that a device keeps: 300 bytes each as a rule, 1 KiB at most. Older ones are dropped a block at a time. */
export const entriesKept = 8192
/** Hashes of entries in a block: an 8 KiB value. Its root stays for ever, 32 bytes. */
export const blockEntries = 256
/** The newest blocks whose hashes are kept, for proofs: 2 MiB. */
export const blocksKept = 256
/** Entries of one kind: burst, and long-term rate per second. More of them are counted in the next one. */
export const entriesPerKind = 128
export const entriesPerKindPerSecond = 1 / 30
/** The same of refusals, which any member can cause: 144 a day of each kind leave the rest for weeks. */
export const refusalsPerKindPerSecond = 1 / 600
/** How soon a report tells the mesh of new entries. */
export const tellMs = 20_000
/** A clock that went so much differently than time is written down. */
export const clockJumpMs = 60_000
export const clockLookMs = 60_000

/** Answers at a time, and the rate of one controller: burst, and long-term rate per second. */
export const answersAtOnce = 2
export const answersPerPeer = 40
export const answersPerPeerPerSecond = 2
export const answerTimeoutMs = 60_000
/** Entries in one answer, in bytes. */
export const answerBytes = 200 * 1024

/** Signed heads of each device that a controller keeps: the newest, and others at growing distances. */
export const headsKept = 32
