/** Time limits and bounds of mDNS, the unit in the name and a reason beside each. */

/**
 * Interval of mDNS queries, varied by a fifth, so that a site's peers don't query in step: doubles from the first to the
 * last while the peer has connections.
 */
export const mdnsQueryFirstMs = 20_000
export const mdnsQueryLastMs = 5 * 60_000
/** Known answers in a query: with 120 bytes each, they fit into one Ethernet frame. The other peers answer. */
export const mdnsKnownAnswers = 11
/** An answer is multicast, so one in this time serves every peer that asks. */
export const mdnsAnswerMs = 5_000
/** How often the network interfaces are checked for changes. */
export const mdnsInterfacesMs = 10_000
/** Interfaces with a socket each. Machines with more have container bridges and the like. */
export const mdnsInterfaces = 32
/** The largest mDNS packet (RFC 6762, section 17). */
export const mdnsPacketBytes = 9_000
/** Records of one packet that are examined: our own answers have one more than they have addresses. */
export const mdnsRecords = 32
/** Packets of the fleet's service that are read per second and interface: 200 peers that start together send 50. */
export const mdnsPacketsPerSecond = 100
/** A discovered peer is reported again after this, or when its addresses change. */
export const mdnsRepeatMs = 60_000
/**
 * libp2p stores every discovered peer for weeks, and anyone can invent some: beyond `discoveredPeers`, one in this
 * time.
 */
export const mdnsNewPeerMs = 10_000
