/** Limits of recording and serving metrics, with the unit in each name. */

export const sampleMs = 60_000
/** Series that a row has room for: what a later version adds finds a free column. */
export const columns = 20
/** Rows lie within pages, so that a write touches one. */
export const pageBytes = 4096
/** Disks on which a program waits for a broken server. */
export const diskTimeoutMs = 5_000
export const unitsTimeoutMs = 10_000
/** A page of another exporter, and how long it may take. */
export const maxScrapeBytes = 4 * 1024 * 1024
export const scrapeTimeoutMs = 10_000
/** Answers at a time, and of one controller: a page for each exporter every 15 seconds, and charts. */
export const answersAtOnce = 4
export const answersPerPeer = 60
export const answersPerPeerPerSecond = 2
export const answerTimeoutMs = 60_000
/** Neighbours whose clocks are compared. */
export const comparedClocks = 64
/** How long a comparison counts. */
export const comparisonMs = 60 * 60_000
