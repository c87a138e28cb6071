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
