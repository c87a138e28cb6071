/** Timeouts, intervals and limits of the mesh, with the unit in each name. */

import { limits } from '../../protocol/limits.ts'

/** How often a peer checks whether its certificate is due for renewal: certificates last for days at least. */
export const renewalCheckMs = 60 * 60_000
/** Process starts remembered for each peer. Two devices with one key alternate, so few are enough. */
export const bootsKept = 4
/** How long a peer leaves a neighbour alone that calls it revoked. */
export const revokedPauseMs = 60 * 60_000

/** A peer that sends no hello in this time is dropped. Slow boards need a second for the Noise handshake alone. */
export const helloTimeoutMs = 10_000
/** How long a refused peer is not dialled again. */
export const refusedPauseMs = 60_000
/** Refused peers that are remembered; bounded, since peer IDs cost nothing. */
export const refusedPeers = 1_000
/** Refused hellos on one connection before it is dropped: each costs signature checks. */
export const refusedHellos = 5
/** Streams of one peer that wait for its admission; further ones are reset. */
export const waitingStreams = 16
/** For one message of a request or answer. */
export const messageTimeoutMs = 20_000
/** A bulk stream without any progress for this long has failed. */
export const idleStreamTimeoutMs = 60_000
/** The slowest link for documents: a phone connection that several peers share. Slower transfers have failed. */
export const slowestBytesPerMs = 4
/** One dial, over all addresses of a peer. */
export const dialTimeoutMs = 15_000

/**
 * Redial back-off: doubles from the first to the last value, with full jitter, so that a fleet doesn't redial in
 * step.
 */
export const redialFirstMs = 500
export const redialLastMs = 60_000
/** The last value for bootstrap peers while there is no connection at all: operators are there for a short time. */
export const redialAloneMs = 10_000
/** The last value for bootstrap peers while there are enough connections. Of a site's peers, one will be early. */
export const redialSettledMs = 30 * 60_000
/** How often the dial supervisor checks its connections. */
export const superviseIntervalMs = 1_000
/** Connections that a peer maintains. Gossipsub's mesh needs 6, and losing one must not matter. */
export const wantedConnections = 8
/** Of these, bootstrap peers, which join sites that don't find each other otherwise. */
export const wantedBootstrapPeers = 2
/** Peers whose addresses are stored, and members that are dialled, shared by join token: 1 MB, and a walk a second. */
export const bookedPeers = 1_000
/** A peer that had no new address for this long makes room for another one. */
export const staleAddressMs = 7 * 86_400_000
/** Addresses stored for one peer. */
export const addressesPerPeer = 8
/** Peers discovered on the local network that aren't members yet: anyone there can announce any number. */
export const discoveredPeers = 200
/** Peers that one answer of the DHT may name: Kademlia's k, which no honest answer exceeds. Each may be dialled. */
export const dhtAnswerPeers = 20

/**
 * The kernel probes a connection after this silence, then ten times in ten seconds: 132 bytes each time. The strictest
 * firewalls forget a silent connection after 60 seconds.
 */
export const keepAliveMs = 45_000
/** How often the round-trip time is measured, which sets the windows of streams: 400 bytes each time. */
export const roundTripMs = 60 * 60_000
/** How often at least each side checks that the remote process responds: 260 bytes each time. */
export const monitorIntervalMs = 5 * 60_000
/** How often it is looked which connections are due. */
export const monitorLookMs = 5_000
/** How long nothing may come while an answer is awaited: a busy event loop on a slow board isn't a dead peer. */
export const monitorAnswerMs = 20_000
/** A connection that was silent for this long is closed: the monitor would have caused traffic. */
export const silentConnectionMs = 3 * monitorIntervalMs

/** A failed refresh (for example, its source disconnected) is retried with other peers after this. */
export const refreshRetryMs = 2_000
/** Consecutive retries, with doubling pauses; after them the next hello, head or sync starts again. */
export const refreshRetries = 5
/** Peers waiting for a refresh; beyond them, strangers are ignored. */
export const waitingRefreshes = 64
/** Refreshes at a time, from members and from strangers: one that stalls must not hold up the others. */
export const memberRefreshes = 3
export const strangerRefreshes = 2
/** A refresh whose peer is silent for this long ends if another peer with news waits. */
export const idleRefreshMs = 2_000
/** The same for a group with two more: the metadata of a large fleet takes this long on a slow link. */
export const refreshTurnMs = 30_000
/** A whole refresh, over slow links. */
export const refreshTimeoutMs = 3 * 60_000
/** How often the progress of a fetch goes on beyond the device's site. */
export const progressBeyondSiteMs = 60_000
/** How often sync is repeated with connected peers, for items that gossip lost. */
export const resyncIntervalMs = 60_000
/** How long a complete proposal waits for its release before it is passed on to all. */
export const completeProposalMs = 3_000
/** What comparing in repeated syncs may cost, on average, both ways. */
export const resyncBytesPerSecond = 100
/** The longest pause for it: a peer that makes comparisons dear must not end repeated syncs. */
export const resyncLastMs = 6 * 60 * 60_000
/** A whole sync: bounds a peer that sends items slowly. */
export const syncTimeoutMs = 5 * 60_000
/** A sync that brings nothing new for this long no longer keeps others waiting. */
export const syncStallMs = 5_000
/** The longest wait of a sync for its turn: bounds a peer that brings its news one by one. */
export const syncTurnMs = 60_000
/** The same for a sync that a neighbour began, which waits for one message no longer than `messageTimeoutMs`. */
export const syncAnswerTurnMs = messageTimeoutMs / 2
/** News of one sync that are gossiped on. More is offered to each neighbour by a sync: it mostly has them already. */
export const gossipedNews = 32
/** How often a neighbour is told what devices repeat, varied by a fifth. */
export const newsMs = 60_000
/** Neighbours with which a peer begins rounds of news. As many begin rounds with it, on average. */
export const newsLinks = 3
/** Rounds at a time with one neighbour: what more there is waits for the next time. */
export const newsRounds = 16
/** Reports that a neighbour has not been told yet; older ones are left to syncs. */
export const untoldReports = 1024
/** Reports that were replaced lately, kept to send differences: those of a quarter of an hour at 10,000 devices. */
export const newsBaseBytes = 512 << 10
/** How often one of these links ends for another one, on average: who withholds news keeps no place for long. */
export const newsLinkMs = 60 * 60_000
/** The pause between rounds that a new head of a log brings about: many new heads go together. */
export const newsHurryMs = 5_000
/**
 * Up to so many members, changes of reports are gossiped: each comes in a second, and costs each peer 15 kB. In larger fleets they
 * go by news: hundreds of devices update at a time.
 */
export const gossipedMembers = 300
/** How often a neighbour of another site is told how far updates are, in such a fleet. Most end before. */
export const newsStepsMs = 3 * 60_000
/** How long a round waits until its reports are taken, and a sync for the round before it. */
export const takenMs = 2_000
export const newsFlushMs = 5_000
/** A stream of news that is silent for this long is over. */
export const idleNewsMs = 15 * newsMs
/** Of repeated syncs, one in so many goes to any neighbour, the others to one with which news are exchanged. */
export const strayingSyncs = 30
/** How often members without a gossip stream are looked for: libp2p never reopens a lost one. */
export const gossipRepairMs = 10_000
/** Documents served at a time, each held in memory until it is sent. */
export const servedDocuments = 32
/** The part of those for one peer. */
export const servedDocumentsPerPeer = 16
/** Heads, roots, certificates and documents up to this size have places of their own: news never wait for bodies. */
export const smallDocumentBytes = 64 << 10
export const servedSmallDocuments = 64
/** A document of which nothing was taken for this long gives up its place, if another peer waits that has fewer. */
export const idleDocumentMs = 3_000
/** The same for a group that has two more: 8 MiB take this long at 800 kB/s. */
export const documentTurnMs = 10_000
/** How long a request waits for a place before it is told `busy`: requesters ask others meanwhile. */
export const documentWaitMs = 8_000

/**
 * Bytes that are compressed for one peer, and for all of one join token: zstd takes a second for about 10 MB. What is
 * compressed already costs nothing; beyond the budget, documents are sent as they are.
 */
export const packBudgets = {
  peer: { most: 128 << 20, perSecond: 1 << 20 },
  group: { most: 256 << 20, perSecond: 2 << 20 },
}
/** Compressed documents that are kept: a fleet asks for the same ones within minutes. */
export const packedCacheBytes = 16 << 20
/** One that nobody asks for is forgotten after this long: members that come later are few. */
export const packedIdleMs = 10 * 60_000

/** Another source is asked beside one that is silent for this long: a mesh has many, and news must not wait. */
export const hedgeMs = 2_000
/** Sources that are asked for one document at a time: each costs the bytes of a copy. */
export const hedgedSources = 4
/** A source that was late is asked last for this long. */
export const lateSourceMs = 10 * 60_000

/** Connections of members at a time. Each takes about 100 KiB. */
export const memberConnections = 300
/** Connections of peers that aren't admitted yet: a site of 100 devices behind one address may come at once. */
export const strangerConnections = 100
/** Connections beyond both, while others are being closed for them. */
export const spareConnections = 50
/** A connection that isn't admitted after this makes room for another address, or for another peer of its address. */
export const idleStrangerMs = 3_000
/** Connections of one peer: two may cross, and an old one may linger. Stream limits apply to each connection. */
export const connectionsPerPeer = 4
/**
 * Request rates for each peer: burst and long-term average. A closure takes one document for each of its thousands of
 * paths; a fleet that updates sends a report a second for each device, through any neighbour.
 */
export const requestRates = {
  hello: { most: 20, perSecond: 0.5 },
  document: { most: 60_000, perSecond: 1000 },
  sync: { most: 30, perSecond: 0.5 },
  /** Rounds: one a minute, one before each sync, and more while there is much to tell. */
  news: { most: 100, perSecond: 1 },
  /**
   * Reports that a neighbour tells of and then doesn't have: honest ones, where members are revoked in between. However many are,
   * that is one message for each of the two links with it; what it tells later has none of them.
   */
  newsInVain: { most: 2 * limits.newsTold, perSecond: 0.05 },
  /** One for each change of a proposal, and two a second while a command waits until its change is known. */
  proposals: { most: 200, perSecond: 3 },
  gossip: { most: 20_000, perSecond: 2000 },
} as const
/** Requests to the DHT of one peer, and of all of one join token: a search asks each peer once or twice. */
export const dhtBudgets = {
  peer: { most: 100, perSecond: 1 },
  group: { most: 2000, perSecond: 20 },
}
/**
 * Reports of one author, and of all authors of one join token, that are kept and passed on: a device sends some for
 * each step of an update and one in five seconds in between. Beyond that, the newest waits.
 */
export const reportPace = {
  peer: { most: 30, perSecond: 1 },
  group: { most: 1000, perSecond: 50 },
}
/** The same for certificates that replace one of the same join token: its holder can sign any number. */
export const provisionalPace = {
  peer: { most: 5, perSecond: 1 / 60 },
  group: { most: 200, perSecond: 1 },
}
/** How often waiting documents are looked at. */
export const paceCheckMs = 500
/**
 * Certificates, and reports, of others that stay decoded in memory, 2 kB each: those of a site, and what several parts read
 * one after the other.
 */
export const decodedDocuments = 100
/** Texts that members share in memory, such as sites and top levels. */
export const sharedTexts = 4_000

/** What many members' last reports say alike, kept once: state, release and system. As many as there are configs, for a few states. */
export const sharedStandings = 1_000
/** Items of one sync that are added at a time: some wait for their author's pace. */
export const waitingItems = 256
/** Protocol violations before their sender is dropped: burst and long-term average. */
export const faultsPerPeer = 10
export const faultsPerSecond = 1 / 60
/** Peers with a score: bounded, since anyone can make new peer IDs. */
export const scoredPeers = 1000
/** How long members are judged again at a time, when the fleet's keys have changed: a signature takes 0.3 to 3 ms. */
export const recheckSliceMs = 10
/** Rejected items in one sync: after a rotation, hundreds of certificates may have keys that we don't know yet. */
export const refusedItems = 1000
/** Concurrent syncs that others started, and exchanges of proposals: a sync holds a digest of the whole fleet. */
export const answeredExchanges = 8
/** An exchange in which nothing moves for this long makes room for another peer's. */
export const idleExchangeMs = 5_000
/** The same for a group with two more: the items of 10,000 members take this long at 1 MB/s. */
export const exchangeTurnMs = 20_000
/**
 * Bytes that are sent in these exchanges to one peer, and to all of one join token. Whoever has nothing gets all at
 * once; asking for it again and again has to wait.
 */
export const sentBudgets = {
  peer: { most: 8 << 20, perSecond: 64 << 10 },
  group: { most: 128 << 20, perSecond: 1 << 20 },
}

/** Open streams of one protocol from one peer. */
export const streamsPerPeer = 16
/** Read-ahead of a stream before its consumer, in bytes: the high-water mark for back-pressure. */
export const readAheadBytes = 1 << 20

/** Hubs that each peer stays connected to, if there are as many: when one ends, the other is there. */
export const wantedHubs = 2
/** Hubs that are asked for one peer, in the order in which that peer prefers them. */
export const askedHubs = 4
/**
 * Two connections to a peer that were opened within this time are those of crossing dials; one ends once it was quiet for
 * longer than that. Later ones stay: two machines with one key would redial for ever.
 */
export const crossingMs = 5_000
export const doubleMs = 6_000
/** How long a connection that may be dead is waited for, when its peer has another one, or a hub is gone. */
export const silentAnswerMs = 10_000
/** How often the connections to hubs are checked for being there. */
export const hubCheckMs = 1_000
/**
 * How often each hub is pinged, and how long it may take to answer: a hub without power, or an uplink with a new address,
 * says nothing. 400 bytes each time, on a stream that stays open.
 */
export const hubPingMs = 30_000
export const hubPingTimeoutMs = 8_000
/** One handshake through a relay, over slow links. */
export const relayedUpgradeMs = 15_000
/** The same while there is another hub to ask: one that swallows what it relays must not take all the time of a dial. */
export const nextHubMs = 5_000
/** Hubs are asked for a peer whose own addresses are silent for this long: packets to a NAT mostly get no answer. */
export const relayAfterMs = 1_500
/** Relayed connections that a peer opens to have enough of them: each costs the hub as much as both peers. */
export const wantedRelayed = 2
/** Streams that a relay splices at a time, and those that one peer may open: 64 KiB to some MiB of memory each. */
export const splices = 1024
export const splicesPerPeer = 64
/** Spliced streams without a byte for this long have failed: both ends check each other more often. */
export const idleSpliceMs = 2 * silentConnectionMs
/** A splice older than this makes room for a peer that has fewer. */
export const spliceTurnMs = 60_000
/** What a relay reads ahead of each end of a splice, and the most that the end may send before it was passed on. */
export const spliceReadAheadBytes = 64 << 10
export const spliceWindowBytes = 1 << 20
/** Requests for a splice, for each peer: burst and long-term average. A peer looks for others in vain at times. */
export const spliceRate = { most: 120, perSecond: 4 }

/** Ports of which a peer takes one to dial hubs from. Linux gives others out from 32768 on. */
export const firstOwnPort = 20_000
export const ownPorts = 12_000
/** Times that a meeting is tried at once, and the pause before it is tried anew. */
export const punchTries = 3
export const punchAgainMs = 30 * 60_000
/**
 * How long both sides of a meeting connect, and how long one packet is waited for at least: longer on slow links, whose
 * round trip is measured. A NAT that still remembers the last connection of the two drops the first packet.
 */
export const punchWindowMs = 4_000
export const punchTryMs = 100
/**
 * How much longer the tries of the side with the higher peer ID are. If both ended theirs at the same moment, a packet could
 * arrive between two tries of one side; its NAT has then seen a connection begin that goes on with other sequence numbers,
 * and Linux's drops all packets of the pair for two minutes. Not near a multiple of a half, so that the ends drift apart.
 */
export const punchPatience = 2.37
/** How long a relayed connection stays beside the direct one that replaces it, for what is under way. */
export const movedMs = 5_000
/** Meetings of one peer with this one: burst and long-term average. Each costs some packets to its addresses. */
export const meetingRate = { most: 30, perSecond: 1 / 10 }
/** How often one peer may have itself dialled, and how long that takes. */
export const reachRate = { most: 1, perSecond: 1 / 60 }
export const reachDialMs = 4_000
/** A stream with such questions that is silent for this long is over. */
export const idleReachMs = 4 * hubPingMs
/** Questions of one peer about where it is seen. */
export const seenRate = { most: 60, perSecond: 1 }

/** A guest at the mesh's port says what it is in this time; so many may be looked at. */
export const guestLookMs = 5_000
export const guestsWaiting = 64
