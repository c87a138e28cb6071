/** Bounds of a device's own API. */

/** A technician's commands and a few programs of the machine. */
export const maxConnections = 16
/** Whoever connects to a local socket asks at once. */
export const requestTimeoutMs = 10_000
/** A route and some headers. */
export const maxHeaderBytes = 8 * 1024
