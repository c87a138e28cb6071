/** Intervals and time limits of a device's daemon, the unit in the name and a reason beside each. */

/** An unchanged report is sent again this often: it shows that the device is alive. */
export const reportIntervalMs = 10 * 60_000
/** While an update runs, reports follow its progress at this pace at most: every member hears and checks each of them. */
export const progressIntervalMs = 5_000

/** An update that failed for want of peers or disk is tried again, doubled from the first to the last. */
export const updateRetryFirstMs = 2_000
export const updateRetryLastMs = 5 * 60_000
/** How long stop() waits for things to end by themselves. */
export const stopTimeoutMs = 5_000
