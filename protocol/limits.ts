/** Every size that a peer may send, in one place: bytes unless the name says otherwise. */

const KiB = 1024
const MiB = 1024 * KiB

export const limits = {
  /** A gossip message. One over-long message kills a gossip stream for good, so heads and reports stay far below. */
  gossipMessage: 4 * KiB,
  /** hello: a certificate with its token grant is about 1 KiB. */
  hello: 8 * KiB,
  /** A request for a document, a root or a NAR. */
  request: 1 * KiB,
  /** Digest of what a peer holds, exchanged by sync: 10,000 members at about 100 bytes each. */
  syncDigest: 1 * MiB,
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
  /** Revoked members, 54 bytes each: room for all of `members`. */
  revocations: 1 * MiB,
  /** Revoked join tokens: they expire, and those that have may leave the list. */
  revokedTokens: 1000,
  /** Revocations of which name, day and reason are told, and a reason's characters. */
  revocationNotes: 1000,
  reason: 200,
  /** Certificates by one join token that a peer keeps: a leaked one must not fill the directory. */
  membersPerToken: 2000,
  /** What a report says that its peer has seen go wrong in the fleet. */
  alarms: 4,
  /** Reports of one member for each second of the calendar: it makes one a second at most while it updates. */
  reportsPerSecond: 16,
  /** A closure descriptor: about 250 bytes a path; a desktop system has some 5,000 paths. */
  closure: 8 * MiB,
  /** Documents from which one that is asked for may be told apart. */
  bases: 4,
  /** A proposal: metadata, the release that it names, and what operators have said of it. Mostly some KiB. */
  proposal: 2 * MiB,
  /** Proposals that a peer keeps, and of these by one operator's key. */
  proposals: 64,
  proposalsPerAuthor: 4,
  /** Signatures on one document. */
  signatures: 32,
  /** Of these by one operator's keys of the members role, old and new: 150 bytes each in an envelope. */
  memberSignatures: 4,
  /** Root versions that one refresh walks; the specification asks for a bound. */
  rootRotations: 1024,
  /** Roles that one look-up of a target file visits; what the specification's reference implementation allows. */
  delegations: 32,
  /** Paths of one closure. */
  closurePaths: 50_000,
  /** A NAR: larger than any store path that is known. */
  narSize: 256 * 1024 * MiB,
  /** Members of a fleet. */
  members: 10_000,
  /** Sites with operators of their own: the snapshot names a role for each, for good. */
  sites: 64,
  /** A release by a site's operators: every peer keeps that of every site. */
  siteRelease: 128 * KiB,
  /** Waves that a rollout policy names; what they leave is one more. */
  waves: 16,
  /** Tags of one device. */
  tags: 32,
  /** What a device gives of a log at a time. */
  logBytes: 256 * KiB,
  logLines: 5_000,
  /** What a fetch is said to take longer is no estimate: 90 days, in seconds. */
  secondsLeft: 90 * 86_400,
  /** Releases that a device's history goes back. */
  historyEntries: 50,
  /** Characters in which a device says why it waits. */
  turnReason: 300,
  /** A secret's ciphertext: 256 KiB of plaintext, and 200 bytes for each of thousands of devices that can read it. */
  secret: 2 * MiB,
  /** A secret's plaintext: keys, certificates, files of accounts. */
  secretPlaintext: 256 * KiB,
  secretsPerConfig: 100,
  /** Characters of a person's text: a release's message, a report's error. */
  message: 1000,
  /** Health probes of one config. */
  probes: 32,
  /** Maintenance windows of one config. */
  windows: 16,
  /** Names in a report's list of failed units or probes: more than that say nothing new, and a report is small. */
  reportedNames: 8,
  /** What an activation printed and the journals of units that failed: kept by the device, named by its report. */
  activationLog: 256 * KiB,
} as const

/** The largest document that may be asked for by its hash. */
export const largestDocument = limits.closure
