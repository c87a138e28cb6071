/** Limits of access to a device, the unit in the name and a reason beside each. */

/** Sessions of SSH at a time: some operators, an editor, and a page with several terminals. */
export const sessionsAtOnce = 32
/** Of one controller, so that none keeps the others out. */
export const sessionsPerPeer = 16
/** A session ends after a day: what runs longer belongs into a unit. */
export const sessionMs = 24 * 60 * 60_000
/** How long sshd waits until a client has proved its key, in seconds. */
export const loginSeconds = 20
/** A session that nobody has logged in to by then is ended here, should sshd not do it. */
export const loginMs = (loginSeconds + 5) * 1000
/** How often live sessions are compared with the grants, beside each change of them: a grant may end by time. */
export const recheckMs = 500
/** The end of sshd's log that is kept for the reason of a failure. */
export const keptLogLines = 20
/** Forwarded connections at a time, of all and of one controller: a page of a device opens dozens. */
export const forwardsAtOnce = 512
export const forwardsPerPeer = 256
/** Tickets of one controller: it has one for each user and key, and asks again after a reconnect. */
export const ticketsPerPeer = 16
/** How long a controller may take to sign: a person has to touch a FIDO key. */
export const proofMs = 60_000
/** How long a target may take to accept a connection. */
export const connectMs = 10_000
/** How long a check of a signature may take. */
export const verifyMs = 10_000
/** Views of screens at a time: a wall of nine, and some that look closer. */
export const screensAtOnce = 16
/** How often is looked whether a snapshot of a screen is due. */
export const snapshotLookMs = 60_000
/** How often one may be wanted, in minutes: each is an entry of the witnessed log, which keeps months of them so. */
export const snapshotLeastMinutes = 10
export const snapshotMostMinutes = 24 * 60
/** How long a screen may take for its picture. */
export const snapshotMs = 30_000
/** The configuration's file that says of which screens they are taken, in bytes. */
export const snapshotPlanBytes = 4096
/** Answers with snapshots at a time, of all and of one controller: each is a megabyte at most. */
export const snapshotAnswersAtOnce = 8
export const snapshotAnswersPerPeer = 4
/** What is shown in one recorded session: an hour of a busy terminal is one MiB. A session that shows more ends. */
export const recordedBytes = 16 * 1024 * 1024
/** Its lines: in JSON a control character takes six, and each key typed a line. Half of what a reader takes. */
export const recordedLines = 32 * 1024 * 1024
/** Its sealed parts: two more fit into a recording (limits.recording) after that. */
export const recordedFileBytes = 28 * 1024 * 1024
/** Recordings of a device, however small: 32 answers list them. */
export const recordingsKept = 4096
/** So much is sealed at once, and after so long at the latest: what a power cut costs. */
export const recordedPartBytes = 256 * 1024
export const recordedPartMs = 5_000
/** All recordings of a device; the oldest make room. */
export const recordingsBytes = 256 * 1024 * 1024
/** How long what is left in the pipe may take at the end. */
export const recordingEndMs = 10_000
/** Answers about recordings at a time, and the rate of one controller: a recording takes up to 170 of them. */
export const recordingAnswersAtOnce = 4
export const recordingAnswersPerPeer = 200
export const recordingAnswersPerSecond = 20
export const recordingAnswerMs = 60_000
