/** Every time limit, interval and local bound of a peer, the unit in the name and a reason beside each. */

/** The file that a device's package installs its settings in. */
export const defaultSettingsFile = '/etc/thymesh/node.json'
/** What the config that runs says of the daemon (the module `thymesh`); the machine's own file is over it. */
export const systemSettingsFile = '/etc/thymesh-node.json'
export const defaultStateDirectory = '/var/lib/thymesh'

/** Unassigned by IANA; a fixed one, so that firewalls can be opened for it. */
export const defaultPort = 4460

/** No clock that says less is right: Thymesh is younger. Boards without a battery begin long before. */
export const earliestTime = new Date('2026-01-01T00:00:00Z')
/** How far signed documents may lift the time floor at once: above a clock that runs, and where there is none. */
export const clockBehindMs = 30 * 86_400_000
export const floorJumpMs = 400 * 86_400_000

/** Age identities that a peer keeps beside the certified one, for secrets that are in flight when it is renewed. */
export const ageIdentitiesKept = 8
export const ageIdentityKeptMs = 180 * 86_400_000

/** How often a peer looks whether its certificate is due for renewal: certificates hold for days at least. */
export const renewalCheckMs = 60 * 60_000
/** Starts of one peer that are told apart; two devices with one key take turns, so few are enough. */
export const bootsKept = 4
/** Contradictions that are kept, a few KiB each but for metadata. */
export const evidenceKept = 128
/** How long a clone that was seen is told of. */
export const cloneAlarmMs = 7 * 86_400_000
/** Admitted peers are judged again this often: certificates end without any news. */
export const reconsiderMs = 5 * 60_000
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
/** Of a frame of a swarm's stream, beside the time that any stream may be idle: who takes or sends it slower is cut off. */
export const slowestFrameBytesPerMs = 1
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

/** How often it is looked whether the daemon rests, and so gives back memory. */
export const restCheckMs = 30_000
/** It rests when it took no more of the processor since the last look, in milliseconds: joining a mesh takes a second. */
export const restCpuMs = 300
/** Memory is not worth a collection, a tenth of a second and several on slow boards, before this much may be garbage. */
export const restGarbageBytes = 3 << 20

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

/** An unchanged report is sent again this often: it shows that the device is alive. */
export const reportIntervalMs = 10 * 60_000
/** While an update runs, reports follow its progress at this pace at most: every member hears and checks each of them. */
export const progressIntervalMs = 5_000

/** An update that failed for want of peers or disk is tried again, doubled from the first to the last. */
export const updateRetryFirstMs = 2_000
export const updateRetryLastMs = 5 * 60_000

/** Paths that are fetched and imported side by side: hides the latency of small ones. */
export const parallelPaths = 4
/**
 * Releases whose documents are kept and whose closures are served, the newest: a fleet goes back to one of these. Some 100
 * bytes of memory for each path that they don't share, 200 bytes of disk.
 */
export const keptReleases = 32
/** How often documents that nothing needs are looked for. */
export const pruneIntervalMs = 24 * 60 * 60_000
/** Sets of metadata that are taken before that is done early: whoever has a timestamp key can sign any number. */
export const pruneAfterBeliefs = 32
/** NARs that one peer serves at a time over all its peers; more are told to ask elsewhere. */
export const servedNars = 32
/** Of these for one peer, so that a slow or hostile one leaves turns to others. */
export const servedNarsPerPeer = 8
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
export const conductRates = {
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
export const watchedPeers = 1000
/** Items of one sync that are no good: certificates by keys that we don't know yet come in hundreds after a rotation. */
export const refusedItems = 1000
/** Syncs that others have begun, at a time: each holds a digest of the whole fleet. */
export const answeredSyncs = 8

/** Streams of one protocol that one peer may have open to us. */
export const streamsPerPeer = 16
/** How much of a stream is read ahead of its consumer, in bytes. */
export const readAheadBytes = 1 << 20

/** switch-to-configuration; NixOS's own waits for units without a limit. */
export const activationTimeoutMs = 5 * 60_000
/** A question to systemd; it answers in milliseconds, but not while it reloads on a slow board. */
export const systemctlTimeoutMs = 60_000
/** How often the files of a switch that runs in a unit of its own are looked at. */
export const guardPollMs = 300
/** How often a guard that was killed is started again before going back counts as failed. */
export const rollBackStarts = 3
/** Between two looks at units and members after a switch. */
export const healthPollMs = 1_000
/** Looks in a row that must find no new failure: a unit that restarts by itself is well for a moment, too. */
export const wellInARow = 2
/** One question to all members at once, after a switch: connections from before it may be dead. */
export const contactTimeoutMs = 10_000
/** The daemon acts itself when the guard has not, this long after the deadline. */
export const deadlineGraceSeconds = 20
/** A held update is looked at this often. */
export const heldPollMs = 10_000
/** How often it is looked whether a sweep of the store is due. */
export const housekeepingIntervalMs = 60_000
/** Logs of failed activations that are kept. */
export const keptActivationLogs = 10
/** Lines of a failed program's output that an error shows. */
export const outputLines = 20
/** How long stop() waits for things to end by themselves. */
export const stopTimeoutMs = 5_000

/** Logs that a device reads for controllers at a time: each may be a run of journalctl. */
export const logsAtOnce = 2
/** Of one controller: so many at once, and then so many per second. */
export const logsPerPeer = 10
export const logsPerPeerPerSecond = 0.5
/** One question for a log, from asking to the last byte. */
export const logTimeoutMs = 60_000
