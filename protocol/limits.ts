/** Size limits for everything that a peer may send: bytes unless the name says otherwise. */

const KiB = 1024
const MiB = 1024 * KiB

export const limits = {
  /** A gossip message. One oversized message ends a gossip stream, so heads and reports stay far below. */
  gossipMessage: 4 * KiB,
  /** A hello: a certificate with its token grant is about 1 KiB. */
  hello: 8 * KiB,
  /** A request for a document, a root or a NAR. */
  request: 1 * KiB,
  /** The digest that older syncs exchange: 10,000 members at about 100 bytes each. */
  syncDigest: 1 * MiB,
  /** One turn of a comparison by ranges: about 2,500 members of 24 bytes, or fingerprints of 3,000 ranges. */
  rangesMessage: 64 * KiB,
  ranges: 4096,
  /** Members of one list, and those that one turn asks for. */
  listedMembers: 64,
  wantedMembers: 4096,
  /** Turns of one comparison: those of 50,000 members that all differ, each listed once. */
  rangeTurns: 64,
  /** Items of sync that are compressed together, before and after: a hundred certificates or reports. */
  syncBatch: 64 * KiB,
  syncBatchItems: 512,
  /** Reports that one message of news tells of: more follow in the next round. */
  newsTold: 64,
  /** Such a message: 64 reports told and as many asked for take 2 KiB, the rest is for those that are sent. */
  newsMessage: 128 * KiB,
  /** The reports of one message, before they are compressed: 64 take some 80 KiB. */
  newsReports: 96 * KiB,
  /** One DSSE envelope: certificate, grant or report. */
  envelope: 4 * KiB,
  /** Root metadata: 2.1 KiB with three keys. */
  root: 64 * KiB,
  timestamp: 2 * KiB,
  snapshot: 64 * KiB,
  /** Targets metadata and each delegated role. */
  targets: 256 * KiB,
  /** A release names every device: about 50 bytes each. */
  release: 1 * MiB,
  /** The manifest of a sharded release, 70 bytes a shard with short names; its shards; and the most bytes of one: a device with many secrets. */
  shardManifest: 1 * MiB,
  releaseShards: 4096,
  releaseShard: 512 * KiB,
  /** What writers aim at: a thousand devices that share configs, or a hundred with configs of their own. */
  releaseShardAim: 48 * KiB,
  /** Revoked members, 54 bytes each: room for all of `members`. Peers of the version before read 1 MiB, some 19,000. */
  revocations: 3 * MiB,
  /** Revoked join tokens. Tokens that have expired may leave the list. */
  revokedTokens: 1000,
  /** Revocations that keep a name, a date and a reason. */
  revocationNotes: 1000,
  reason: 200,
  /** Certificates from one join token that a peer keeps: a leaked token must not fill the directory. */
  membersPerToken: 2000,
  /** Alarms in one report. */
  alarms: 4,
  /** Report counters for each second from 1970 to the end of a certificate: a member makes at most one report a second. */
  reportsPerSecond: 16,
  /** A closure descriptor: about 250 bytes a path; a desktop system has some 5,000 paths. */
  closure: 8 * MiB,
  /** Documents that a head names, in one answer: metadata of the fleet and its sites, releases and revocations. What is larger comes one by one. */
  namedDocuments: 128,
  namedDocumentsBytes: 64 * KiB,
  /** Delta bases that one document request may offer. */
  bases: 4,
  /** A proposal: metadata, the release that it names, and the operators' statements. Usually a few KiB. */
  proposal: 2 * MiB,
  /** Proposals that a peer keeps, and how many of them may come from one operator's key. */
  proposals: 64,
  proposalsPerAuthor: 4,
  /** Signatures on one document. */
  signatures: 32,
  /** Signatures by one operator's members keys, old and new: 150 bytes each in an envelope. */
  memberSignatures: 4,
  /** Root versions that one refresh may walk; the specification requires a limit. */
  rootRotations: 1024,
  /** Roles that one target look-up may visit: the limit of the specification's reference implementation. */
  delegations: 32,
  /** Paths of one closure. */
  closurePaths: 50_000,
  /** A NAR: larger than any known store path. */
  narSize: 256 * 1024 * MiB,
  /** Members of a fleet, and those of one digest: what the versions before `sync/4` have. */
  members: 50_000,
  digestMembers: 10_000,
  /** Sites with their own operators. The snapshot keeps a role for each permanently. */
  sites: 64,
  /** A release of a site's operators. Every peer keeps one for each site. */
  siteRelease: 128 * KiB,
  /** Waves that a rollout policy may define; the remaining devices are one more. */
  waves: 16,
  /** Tags of one device. */
  tags: 32,
  /** The part of a log that a device sends at a time. */
  logBytes: 256 * KiB,
  logLines: 5_000,
  /** Entries that a witnessed log may ever have; one entry in bytes, its fields, and a field in characters. */
  auditEntries: 2 ** 30,
  auditEntry: KiB,
  auditFields: 12,
  auditText: 300,
  /** Entries of a witnessed log in one answer, and proofs. */
  auditPage: 512,
  auditProofs: 32,
  /** The newest entries that every device still has, at least, and those for which it still has proofs. */
  auditKept: 4096,
  auditProven: 60_000,
  /** Entries that a controller reads of one device, at most: no device keeps more. */
  auditShown: 16_384,
  /** A recorded session, sealed: what is shown is kept up to half of this. */
  recording: 32 * MiB,
  /** Of it in one answer, and how many recordings one answer lists. */
  recordingPart: 192 * KiB,
  recordingsListed: 128,
  /** A small picture of a screen, its longest side in pixels, how many a device keeps, and of how many screens. */
  screenSnapshot: 40_000,
  screenSnapshotSide: 1024,
  screenSnapshots: 24,
  snapshotScreens: 4,
  /** The longest estimate that a report gives for a fetch: 90 days, in seconds. */
  secondsLeft: 90 * 86_400,
  /** Series of a device's metrics, and points of each in one answer: two years in steps of two hours. */
  metricSeries: 32,
  metricPoints: 8784,
  /** An answer with metrics: 20 series of two years, with average, lowest and highest value. */
  metricsBytes: 4 * MiB,
  /** Releases in a device's history. */
  historyEntries: 50,
  /** The reason in a report why a device waits, in characters. */
  turnReason: 300,
  /** A secret's ciphertext: 256 KiB of plaintext, and 200 bytes for each of thousands of recipients. */
  secret: 2 * MiB,
  /** A secret's plaintext: keys, certificates, credential files. */
  secretPlaintext: 256 * KiB,
  secretsPerConfig: 100,
  /** Text by a person or program: a release's message, a report's error. In characters. */
  message: 1000,
  /** Health probes of one config. */
  probes: 32,
  /** Maintenance windows of one config. */
  windows: 16,
  /** Names in a report's list of failed units or probes: further ones add little, and a report is small. */
  reportedNames: 8,
  /** Extensions of one document, and how deep lists and maps of a value may lie in each other. */
  extensions: 16,
  extensionDepth: 8,
  /** One extension of a report, and all of them: a report with them is a gossip message, and keeps room for the rest. */
  reportExtension: KiB,
  reportExtensions: 2 * KiB,
  /** One extension of a release, and all of them: they are part of targets metadata, and leave room for delegations. */
  releaseExtension: 96 * KiB,
  releaseExtensions: 128 * KiB,
  /** Grants of access in one release, and the lists of each: together they must fit into its extension. */
  accessGrants: 256,
  accessKeys: 16,
  accessPlaces: 64,
  accessUsers: 16,
  accessRights: 64,
  /** A public key of OpenSSH in base64: RSA of 8192 bits. */
  sshKey: 1500,
  /** The hello of a session of SSH: a user's name. */
  accessHello: 256,
  /** The hello of a forwarded connection, and a signature of OpenSSH: a key and a target. */
  forwardHello: 4 * KiB,
  /** A frame of a lane that carries a stream: sixteen reads of a socket. */
  laneFrame: 1 * MiB,
  /** Nix signatures over one config: of several operators, and of old and new keys. */
  bindingSignatures: 8,
  /** The output of an activation and the journals of failed units: the device keeps it, and its report names it. */
  activationLog: 256 * KiB,
  /** `bundle.json` and the README of a bundle. */
  bundleText: 64 * KiB,
  /** A pack of a bundle, unpacked: 8 MiB compress as well as more, and the largest document fits. */
  bundlePack: 8 * MiB + 64 * KiB,
  /** The same, packed: zstd adds little to what it can't compress. */
  bundlePackedPack: 8 * MiB + 128 * KiB,
  /** Items of a pack: far more than chunks of the smallest size, or reports, need. */
  bundlePackItems: 65_536,
  /** Packs of a bundle: certificates of all members, the documents of hundreds of configs, 512 GiB of chunks. */
  bundleMemberPacks: 24,
  bundleDocumentPacks: 512,
  bundleChunkPacks: 65_536,
  /** Chunks of a bundle: the index takes 44 bytes for each. */
  bundleChunks: 8_000_000,
  /** Documents of a bundle. */
  bundleDocuments: 500_000,
  /** An outbox: reports and certificates of a site, and the logs of one device. */
  outbox: 32 * MiB,
  outboxLogs: 16,
  /** Hubs that a release names, and the addresses of each. */
  hubs: 16,
  hubAddresses: 4,
  /** Addresses of one kind at which a peer offers to be met: each may be dialled. */
  meetingEnds: 4,
  bundleConfigs: 1000,
  bundleVolumes: 999,
} as const

/** The largest document that a peer may request by hash. */
export const largestDocument = limits.closure
