/** Every time limit, interval and local bound of a peer, the unit in the name and a reason beside each. */

/** The file that a device's package installs its settings in. */
export const defaultSettingsFile = '/etc/thymesh/node.json'
export const defaultStateDirectory = '/var/lib/thymesh'

/** Unassigned by IANA; a fixed one, so that firewalls can be opened for it. */
export const defaultPort = 4460

/** A peer that says no hello in this time is dropped. Slow boards need a second for the noise handshake alone. */
export const helloTimeoutMs = 10_000
/** How long a peer that was refused is not dialled again. */
export const refusedPauseMs = 60_000
/** One message of a request or an answer. */
export const messageTimeoutMs = 20_000
/** A stream that carries bulk data and moves nothing for this long has failed. */
export const idleStreamTimeoutMs = 60_000
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

/** A refresh that failed (its source went away, say) is tried again with other peers after this. */
export const refreshRetryMs = 2_000
/** A whole refresh, over slow links. */
export const refreshTimeoutMs = 60_000
/** Sync goes on with peers that stay connected, for what gossip lost. */
export const resyncIntervalMs = 60_000

/** An unchanged report is sent again this often: it shows that the device is alive. */
export const reportIntervalMs = 10 * 60_000
/** While an update runs, reports follow its progress at this pace at most. */
export const progressIntervalMs = 1_000

/** An update that failed for want of peers or disk is tried again, doubled from the first to the last. */
export const updateRetryFirstMs = 2_000
export const updateRetryLastMs = 5 * 60_000

/** Paths that are fetched and imported side by side: hides the latency of small ones. */
export const parallelPaths = 4
/** NARs that one peer serves at a time over all its peers; more are told to ask elsewhere. */
export const servedNars = 32
/** Streams of one protocol that one peer may have open to us. */
export const streamsPerPeer = 16
/** How much of a stream is read ahead of its consumer, in bytes. */
export const readAheadBytes = 1 << 20

/** switch-to-configuration; NixOS's own waits for units without a limit. */
export const activationTimeoutMs = 5 * 60_000
/** Lines of a failed program's output that an error shows. */
export const outputLines = 20
/** How long stop() waits for things to end by themselves. */
export const stopTimeoutMs = 5_000
