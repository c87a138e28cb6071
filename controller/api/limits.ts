/** Bounds of the local API, the unit in the name and a reason beside each. */

/** Streams to devices: sessions of SSH, and each forwarded connection of a browser that shows a device's own page. */
export const maxStreams = 256
/** Commands, the page and scripts of one operator; each has a few connections, beside streams to devices. */
export const maxConnections = 64 + maxStreams
/** A page has one, whatever its tabs; a command that watches has one. */
export const maxEventStreams = 16
/** An order is some words and names; what is larger is refused before it is read. */
export const maxBodyBytes = 1024 * 1024
/** An artifact in base64: a logo, a firmware; larger ones are copied into the project's folder. */
export const maxUploadBytes = 48 * 1024 * 1024
/** Names, filters and numbers: a longer line is none of ours. */
export const maxHeaderBytes = 16 * 1024
/** Whoever connects to a local socket sends the request at once. */
export const requestTimeoutMs = 10_000
/** The status of the largest fleet is some megabytes. */
export const maxAnswerBytes = 64 * 1024 * 1024
/** Rows of one page of a list. */
export const maxPageRows = 1000
/** Output of a task that one answer holds. */
export const maxOutputBytes = 4 * 1024 * 1024
/** Events that are kept for listeners that come back: minutes of the largest fleet. */
export const keptEvents = 10_000
/** The same in bytes, so that long rows can't fill the memory. */
export const keptEventBytes = 8 * 1024 * 1024
/** What waits for one listener: it is cut off when it reads slower than that, and continues by the ID of its last event. */
export const maxQueuedBytes = 4 * 1024 * 1024
/** A line without content this often tells a listener that the stream lives, and tells us that the listener does. */
export const heartbeatMs = 15_000
/** How long a query waits for a first peer at most: as long as the longest `--wait`. */
export const maxNewsSeconds = 86_400
/** How long changes of who is in reach are gathered into one event. */
export const peersMs = 500
