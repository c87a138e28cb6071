/** Bounds of the web page's door, the unit in the name and a reason beside each. */

/** One port for ever: what a browser keeps (bookmarks, settings, filters) belongs to it. */
export const defaultPort = 4462
/** As long as a browser takes to start. */
export const codeMs = 60_000
/** Codes that wait at the same time: each asks for one, and nobody opens more browsers at once. */
export const maxCodes = 16
/** A working day and a bit: whoever comes back the next morning opens the page anew. */
export const sessionIdleMs = 12 * 60 * 60 * 1000
/** Each browser has one; the one that was idle the longest goes first. */
export const maxSessions = 16
/** How often the last use of a session is written down. */
export const noteUseMs = 60_000
/** Whoever leaves the desk leaves no keys behind. */
export const unlockedIdleMs = 10 * 60 * 1000
/** Wrong passphrases in a minute, of all sessions: each costs some 0.3 s and 128 MiB. */
export const maxWrongPassphrases = 5
/** The minute of that. */
export const wrongPassphrasesMs = 60_000
/** A browser has six connections to a host, and each tab loads some files. */
export const maxConnections = 128
/** One message of a WebSocket of the page: a piece of a file, a paste. */
export const maxSocketMessageBytes = 1024 * 1024
/** Frames of one message: browsers cut long ones, and none into crumbs. */
export const maxMessageParts = 1024
/** How often a WebSocket is asked whether it lives, and how long it may be silent: a lid that was closed is found out. */
export const socketBeatMs = 15_000
export const socketSilentMs = 45_000
/** How long a WebSocket may take to say who it is. */
export const helloMs = 10_000
/** How long a unit may take to restart: as long as systemd gives most of them. */
export const restartMs = 120_000
/** WebSockets at a time: terminals and uploads of all browsers. */
export const maxSockets = 64
