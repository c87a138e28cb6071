/** Time limits, intervals and bounds of the mesh, the unit in the name and a reason beside each. */

/** How often a peer looks whether its certificate is due for renewal: certificates hold for days at least. */
export const renewalCheckMs = 60 * 60_000
/** Starts of one peer that are told apart; two devices with one key take turns, so few are enough. */
export const bootsKept = 4
/** A peer that a neighbour calls revoked leaves it alone for so long. */
export const revokedPauseMs = 60 * 60_000

/** A peer that says no hello in this time is dropped. Slow boards need a second for the noise handshake alone. */
export const helloTimeoutMs = 10_000
/** How long a peer that was refused is not dialled again. */
export const refusedPauseMs = 60_000
/** Refused peers that are remembered: their IDs cost a stranger nothing, so there is a bound. */
export const refusedPeers = 1_000
/** Hellos of a stranger on one connection, each of them signatures to check; then it is dropped. */
export const refusedHellos = 5
/** Streams of one peer that wait for its admission; further ones are reset. */
export const waitingStreams = 16
/** One message of a request or an answer. */
export const messageTimeoutMs = 20_000
/** A stream that carries bulk data and moves nothing for this long has failed. */
export const idleStreamTimeoutMs = 60_000
/** Of a document, over a phone's link that several share; slower ones have failed. */
export const slowestBytesPerMs = 4
/** One dial, over all addresses of a peer. */
export const dialTimeoutMs = 15_000

/** Redials: doubled from the first to the last, with full jitter, so that a fleet does not redial in step. */
export const redialFirstMs = 500
export const redialLastMs = 60_000
/** How often the dial supervisor looks at its connections. */
export const superviseIntervalMs = 1_000
/** Connections that a peer keeps by itself; gossip's mesh wants 6, and a lost one must not matter. */
export const wantedConnections = 8
/** Addresses kept for one peer. */
export const addressesPerPeer = 8
/** Peers that were heard of on the local network and are no members yet: anyone there can announce any number. */
export const discoveredPeers = 200

/** mDNS asks again this often, give or take a fifth, so that a site's peers don't ask in step. */
export const mdnsQueryMs = 20_000
/** An answer goes to all at once, so one in this time does for everybody who asks. */
export const mdnsAnswerMs = 5_000
/** How often interfaces are looked at: they come, go and change their addresses. */
export const mdnsInterfacesMs = 10_000
/** Interfaces that are listened on, a socket each; the others of a machine with more are container bridges and the like. */
export const mdnsInterfaces = 32
/** Of one packet, as RFC 6762 bounds it (section 17). */
export const mdnsPacketBytes = 9_000
/** Records of one packet that are looked at: an answer of ours has one more than it has addresses. */
export const mdnsRecords = 32
/** Packets of the fleet's service that are read per second and interface: 200 peers send 50. */
export const mdnsPacketsPerSecond = 100
/** A peer that was found is told again after this, or when its addresses change. */
export const mdnsRepeatMs = 60_000
/** libp2p keeps every peer it's told of for weeks, and anyone can invent some: after `discoveredPeers`, one in this time. */
export const mdnsNewPeerMs = 10_000

/** A connection that was silent for so long is probed by the kernel, ten times in ten seconds: 132 bytes each time. */
export const keepAliveMs = 15_000
/** How often the time to a peer is measured again, which sizes the windows of streams: 400 bytes each time. */
export const roundTripMs = 60 * 60_000
/** How often each side asks the process at the other end whether it is alive: a stream, and 1.2 KB, each time. */
export const monitorIntervalMs = 5 * 60_000
/** A connection on which nothing was said for so long is closed: the monitor would have said something. */
export const silentConnectionMs = 3 * monitorIntervalMs

/** A refresh that failed (its source went away, say) is tried again with other peers after this. */
export const refreshRetryMs = 2_000
/** So often in a row, each time after twice the pause; then the next hello, head or sync begins anew. */
export const refreshRetries = 5
/** Peers whose news wait for their turn; beyond them, strangers are not listened to. */
export const waitingRefreshes = 64
/** A whole refresh, over slow links. */
export const refreshTimeoutMs = 3 * 60_000
/** Sync goes on with peers that stay connected, for what gossip lost. */
export const resyncIntervalMs = 60_000
/** One sync as a whole: a peer that drips items holds nothing for longer. */
export const syncTimeoutMs = 5 * 60_000
/** How often members without a gossip stream are looked for: libp2p itself never opens a lost one again. */
export const gossipRepairMs = 10_000
/** Documents that one peer serves at a time, each held in memory until it is sent. */
export const servedDocuments = 32
/** Of these for one peer. */
export const servedDocumentsPerPeer = 16
/** Connections of one peer: two may cross, and an old one may linger; the limits on streams count on each. */
export const connectionsPerPeer = 4
/**
 * How often one peer may ask: at once, and over a long time. A closure is one document for each of its thousands of paths;
 * a fleet that updates sends a report a second for each device, through any neighbour.
 */
export const requestRates = {
  hello: { most: 20, perSecond: 0.5 },
  document: { most: 60_000, perSecond: 1000 },
  sync: { most: 30, perSecond: 0.5 },
  /** One for each change of a proposal; and a command that waits for its change to be heard asks twice a second. */
  proposals: { most: 200, perSecond: 3 },
  gossip: { most: 20_000, perSecond: 2000 },
} as const
/** Messages that no honest peer sends, before their sender is dropped: at once, and over a long time. */
export const faultsPerPeer = 10
export const faultsPerSecond = 1 / 60
/** Peers whose behaviour is remembered: anyone can make new peer IDs. */
export const scoredPeers = 1000
/** Items of one sync that are no good: certificates by keys that we don't know yet come in hundreds after a rotation. */
export const refusedItems = 1000
/** Syncs that others have begun, at a time: each holds a digest of the whole fleet. */
export const answeredSyncs = 8

/** Streams of one protocol that one peer may have open to us. */
export const streamsPerPeer = 16
/** How much of a stream is read ahead of its consumer, in bytes. */
export const readAheadBytes = 1 << 20
