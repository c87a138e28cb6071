/** Limits of lanes. */

/** A lane is opened within this, or not at all. Nobody waits for it: bytes flow on the stream meanwhile. */
export const laneDialMs = 10_000
/** Handshakes at a time at the door of lanes: each takes some 100 KiB. Who comes then stays on the stream. */
export const laneHandshakes = 256
export const laneHandshakeMs = 5_000
/** How long a ticket is good for. */
export const ticketMs = 30_000
/** A connection whose lane failed gets none for this long. */
export const laneRetryMs = 10 * 60_000
/** Lanes of one stream that the other side may give up in their handshake, as a slow machine does, before it stays on the mesh. */
export const laneTries = 2
/** When a stream whose lane was lost asks again, where its question could not be sent: others' have the places. */
export const laneAskAgainMs = 1_000
/** Streams of a connection that wait for a ticket at a time. */
export const laneRequests = 32
/** A stream that has moved so much gets a lane: what moves less is done before a lane is open. */
export const laneFromBytes = 256 * 1024
