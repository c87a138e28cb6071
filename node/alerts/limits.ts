/** Times and bounds of alerts, with the unit in each name. */

/** How often conditions are looked at: from a condition to the message it may take ten seconds. */
export const lookMs = 4_000
/** How often the failed units are asked for where a rule is about them: systemctl takes ten milliseconds. */
export const unitsMs = 8_000
/** How long a condition must be over before an alert ends. */
export const calmMs = 60_000
/** An alert that begins this often within an hour flaps: it then ends only after half an hour of calm. */
export const flapsPerHour = 4
export const hourMs = 3_600_000
export const flapCalmMs = 30 * 60_000
/** How long a report tells an alert that has ended. */
export const endedDays = 30
/** How long the next peer in the order waits for the one before to send. */
export const stepInMs = 60_000
/** Peers in the order that count; who was silent for long is passed over. */
export const notifiers = 16
/** A controller waits for so many devices of the order: some minutes, however many could send. */
export const devicesBeforeControllers = 3
/** A controller that sends is one whose report is this old at most; it repeats it three times in this time. */
export const controllerSilenceMs = 18 * 60 * 60_000
/** How long after a controller has met a member it knows all that its neighbours know: a sync takes seconds. */
export const newsMs = 60_000
/** One message, with a channel that hangs. */
export const sendTimeoutMs = 20_000
/** Back-off after a failed attempt: doubles from the first to the last. */
export const sendAgainFirstMs = 5_000
export const sendAgainLastMs = 10 * 60_000
/** Between two messages of one channel: what comes meanwhile goes together. */
export const messageGapMs = 10_000
/** Alerts in one message; more are counted. */
export const alertsPerMessage = 50
/** Alerts in a message for people, which names no more. */
export const namedAlerts = 10
/** An alert that began this long before it came here is marked as late. */
export const lateMs = 15 * 60_000
/** Alerts that wait: of 10,000 devices that lose their power at once, the newest. */
export const waitingAlerts = 10_000
/** A reply of a channel that is read. */
export const replyBytes = 16 * 1024
/** A file with a secret of a channel. */
export const secretBytes = 4096
export const silencesKept = 64
