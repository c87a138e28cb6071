/** Bounds of the page's terminals and files, the unit in the name and a reason beside each. */

/** Output of one terminal that a browser finds again after a loss: some thousands of lines. */
export const scrollbackBytes = 1024 * 1024
/** Terminals of all browsers of one operator: a device lets one controller have as many sessions. */
export const maxTerminals = 16
/** What may wait for a browser before the device is held back. */
export const maxAheadBytes = 512 * 1024
/** A terminal that no browser has looked at for so long ends: whoever closed the lid has gone home. */
export const unwatchedMs = 60 * 60_000
/** How long a device may take to let us in, with the connection to it. */
export const readyMs = 40_000
/** A connection for files ends when nothing was asked for so long. */
export const filesIdleMs = 60_000
/** Characters of a command's output that are kept: its last line says why it failed. */
export const maxCommandOutput = 64 * 1024
/** Entries of one folder that are shown. */
export const maxEntries = 5000
/** The largest window of a terminal, in characters. */
export const maxColumns = 1000
export const maxRows = 500
/** How long a device may take to be reached, to give a ticket and to show its screen; a token may have to be touched meanwhile. */
export const screenMs = 90_000
/** How long a device may take to be reached for its newest snapshot: what came before is shown meanwhile. */
export const snapshotWaitSeconds = 15
