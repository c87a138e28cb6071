/** The door of a peer to its controller: all that controller/ may ask of the mesh. `makeControllerPeer` opens it. */

import type { Duplex } from 'node:stream'
import type { LogHead } from '../../protocol/audit/log-head.ts'
import type { Closure } from '../../protocol/closure/closure.ts'
import type { CID } from '../../protocol/encoding/cid.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import type { SilenceRequest } from '../../protocol/messages/alerts.ts'
import type { AuditEntries, AuditProofs } from '../../protocol/messages/audit.ts'
import type { HistoryEntry, LogRequest } from '../../protocol/messages/logs.ts'
import type { HistoryRequest, MetricsHistory } from '../../protocol/messages/metrics.ts'
import type { Recorded } from '../../protocol/messages/recordings.ts'
import type { CarriedSnapshot } from '../../protocol/messages/snapshots.ts'
import type { Release, ReleasedConfig } from '../../protocol/release/release.ts'
import type { ListedMember } from '../../protocol/report/gist.ts'
import type { Report } from '../../protocol/report/report.ts'
import type { Proposal } from '../../protocol/trust/proposal.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import type { Published } from '../../protocol/trust/publish.ts'
import type { OpenedRecording } from '../access/recording-file.ts'
import type { ByteSink } from '../bundle/bundle-writer.ts'
import type { BundleWish } from '../carry/bundle-maker.ts'
import type { BundlePlan } from '../carry/bundle-plan.ts'
import type { Estimate } from '../carry/estimate.ts'
import type { TakenOutbox } from '../carry/take-outbox.ts'
import type { VolumeInit } from '../carry/write-bundle.ts'
import type { NetChecks, PeersView, WayView } from '../mesh/relay/network-view.ts'
import type { DeviceFacts } from '../standing/facts.ts'
import type { Table } from '../state/database.ts'
import type { AcceptedState } from '../state/fleet-state.ts'
import type { FetchedClosure, FetchOptions } from '../swarm/fetch/closure-fetch.ts'
import type { DescribedPath, RecipeProgress } from '../swarm/recipe/path-recipes.ts'
import type { OwnShiftsInit } from './own-shifts.ts'

export type { AcceptedState, BundlePlan, BundleWish, ByteSink, DescribedPath, RecipeProgress, Table, TakenOutbox }

export interface ControllerPeer {
  /** The fleet's ID. */
  readonly fleet: string
  readonly peerId: string
  /** Its own, as it stands now. */
  readonly certificate: Certificate
  /** With its signatures. */
  readonly envelope: Uint8Array
  readonly state: FleetTrust
  readonly directory: FleetDirectory
  /** When members were seen last: `of` is a time, or null where nobody knows. */
  readonly lastSeen: { of(peer: string): string | null }
  readonly proposals: FleetProposals
  readonly closures: OwnClosures
  readonly bundles: Bundles
  readonly neighbours: Neighbours
  readonly deviceLogs: DeviceLogs
  readonly recordings: DeviceRecordings
  readonly ownLog: OwnLog
  /** Sends alerts from now on, after the devices that can. Its channels' files and programs are in `folder`. */
  sendAlerts(init: { folder: string }): Promise<void>
  /** Takes silences of our own operator, where this controller sends alerts. */
  readonly alerts: { silence(silence: SilenceRequest): Promise<void>; stop(): Promise<void> } | undefined
  /** Contradictions that this peer has seen itself, as its reports would say them. */
  readonly alarms: NonNullable<Report['alarms']>
  /** Devices whose witnessed log shrank or forked, by evidence that is here: peer IDs. */
  readonly forkedLogs: readonly string[]
  /** Takes in what a device has sent home on a stick. Throws an OutboxError or FormatError. */
  takeOutbox(sealed: Uint8Array): Promise<TakenOutbox>
  /** How releases went on a device, by the reports that came here, the newest first. */
  historyOf(peer: string): Promise<HistoryEntry[]>
  /** Takes over a device's own account of its history; resolves to how many entries were new. */
  mergeHistory(peer: string, account: readonly HistoryEntry[]): Promise<number>
  /** What closures cost devices that run other top levels. The closures are given by SHA-256 of their descriptors. */
  estimate(wanted: readonly Uint8Array[], running: readonly string[]): Promise<Estimate>
  /** What is known here of a device and of what it should run. Throws a StandingError for a name that nobody has. */
  factsOf(device: string): Promise<DeviceFacts>
  /** The same of a device whose outbox has brought them; undefined where none has. */
  carriedMetrics(peer: string, request: HistoryRequest): Promise<MetricsHistory | undefined>
  /** The newest snapshot of each of its screens that an outbox has brought, or that was kept otherwise. */
  carriedSnapshots(peer: string): Promise<readonly CarriedSnapshot[]>
  keepSnapshots(peer: string, snapshots: readonly CarriedSnapshot[]): Promise<void>
  /** Keeps a certificate that was signed here, and gossips it. Throws a MembershipError when it makes nobody a member. */
  publishCertificate(peer: string, envelope: Uint8Array): Promise<void>
  /** The part of the peer's database in which a controller keeps what it needs for its audit log. */
  readonly auditTable: Table
  /**
   * Joins the mesh; throws, with nothing left running, when a part can't start. Old documents are pruned once a day, except
   * those that `keeps` names: SHA-256 in hex.
   */
  start(init: { keeps: () => Promise<Iterable<string>> }): Promise<void>
  /** Leaves the mesh. The state stays open: it belongs to the caller. */
  stop(): Promise<void>
}

/** The fleet's trusted metadata and the documents that belong to it. */
export interface FleetTrust {
  /** Trusted metadata with the releases and revocations that it names; nothing before the first complete refresh. */
  readonly accepted: AcceptedState | undefined
  on(event: 'changed', listener: (accepted: AcceptedState) => void): unknown
  /** Shards have come, of the accepted release or of proposed ones. */
  on(event: 'shards', listener: () => void): unknown
  off(event: 'changed', listener: (accepted: AcceptedState) => void): unknown
  off(event: 'shards', listener: () => void): unknown
  /** Accepts metadata that was signed here, and tells the mesh. Throws as FleetState.accept does. */
  publish(published: Pick<Published, 'trusted' | 'documents'>): Promise<AcceptedState>
  /** A release as it was signed, with those of its shards that are here. */
  withShards(release: Release): Promise<Release>
  /** Root metadata by its version, as it was signed. */
  root(version: number): Promise<Uint8Array | undefined>
  /** A release that is or was accepted; of the fleet, or of a site's own operators. */
  release(version: number, site?: string): Promise<Release | undefined>
  /** Versions of all releases that are still here, lowest first. */
  releaseVersions(site?: string): Promise<number[]>
  /** Releases of all sites' operators that are still here, by site and version. */
  siteReleases(): Promise<Release[]>
  /** A document by its SHA-256. */
  document(hash: Uint8Array): Promise<Uint8Array | undefined>
  /** Keeps a document that the next release names. */
  keepDocument(bytes: Uint8Array): Promise<void>
}

/** Certificates of all members and the last report of each, as far as they have come here. */
export interface FleetDirectory {
  /** All members, with what their last reports say of the release. */
  members(): readonly ListedMember[]
  certificates(): Certificate[]
  certificate(peer: string): { readonly document: Certificate; readonly envelope: Uint8Array } | undefined
  reports(): Report[]
  report(peer: string): { readonly document: Report; readonly envelope: Uint8Array } | undefined
  on(event: 'certificate', listener: (certificate: Certificate) => void): unknown
  on(event: 'report', listener: (report: Report) => void): unknown
  /** The peer is no longer a member. */
  on(event: 'forgotten', listener: (peer: string) => void): unknown
  off(event: 'certificate', listener: (certificate: Certificate) => void): unknown
  off(event: 'report', listener: (report: Report) => void): unknown
  off(event: 'forgotten', listener: (peer: string) => void): unknown
}

/** Metadata that waits for signatures of more operators. */
export interface FleetProposals {
  /** Those that stand on what is trusted now, oldest first. */
  readonly all: VerifiedProposal[]
  /** Keeps a proposal, or the signatures that it has gained, and passes it on. */
  add(proposal: Proposal): Promise<boolean>
  /** `changed`: one is new or has gained signatures. `closed`: something of its version was published over it. */
  on(event: 'changed' | 'closed', listener: (verified: VerifiedProposal) => void): unknown
  off(event: 'changed' | 'closed', listener: (verified: VerifiedProposal) => void): unknown
}

/** Closures of this machine's store, as this peer describes and serves them. */
export interface OwnClosures {
  /** The paths of a top level that is in the store, references first. Throws a ThreadError, or what the store throws. */
  describe(topLevel: string, onProgress?: RecipeProgress): Promise<DescribedPath[]>
  /** Keeps the descriptor of a closure; it is served once a release names it. */
  add(closure: Closure): Promise<CID>
  /** Paths of this machine's store that were found damaged: they aren't served. */
  readonly damaged: DamagedStorePaths
  /**
   * Keeps a document that tells how far the content of large paths has moved, from the closures of these top levels to these. Returns
   * its SHA-256 in hex; undefined if there is nothing to tell.
   */
  shifts(wanted: readonly CID[], running: readonly string[], init: OwnShiftsInit): Promise<string | undefined>
  /** Whether a descriptor, by its SHA-256, and all its recipes are here. */
  holds(descriptor: Uint8Array): Promise<boolean>
  /**
   * Fetches the closure of a released config into this machine's store, checked as devices check it. It is held there until
   * `release` is called. Throws what `fetchClosure` throws.
   */
  fetch(config: ReleasedConfig, options: FetchOptions): Promise<FetchedClosure>
}

/** Bundles out of the accepted releases, for places without a network. */
export interface Bundles {
  /** Throws a HintedError if there is nothing to carry, or documents are missing. */
  plan(wish: BundleWish): Promise<BundlePlan>
  /** Writes one volume; resolves to the number of its bytes. */
  write(plan: BundlePlan, sink: ByteSink, init: VolumeInit): Promise<number>
  /** Writes one volume to a file, and continues an interrupted run: `kept` of its bytes were there already. */
  writeFile(plan: BundlePlan, file: string, init: VolumeInit): Promise<{ bytes: number; kept: number }>
}

/** `found`: a path was asked for, read, and had other bytes than Nix registered. */
export interface DamagedStorePaths {
  readonly all: readonly string[]
  on(event: 'found', listener: (path: string) => void): unknown
  off(event: 'found', listener: (path: string) => void): unknown
}

/** A member that is connected to this peer. */
export interface Neighbour {
  readonly peer: string
  readonly certificate: Certificate
}

/** Witnessed logs of devices, and what is held against them. */
export interface DeviceLogs {
  /** The signed heads that this controller has seen, the smallest first. The newest report's is among them. */
  heads(peer: string): Promise<LogHead[]>
  /** Asks a neighbour for entries from one to before another. Throws an AnswerError, or a FormatError. */
  entries(peer: string, range: { from: number; to: number }, signal?: AbortSignal): Promise<AuditEntries>
  /** Asks it for proofs that its log has only grown. Throws an AnswerError, or a FormatError. */
  proofs(peer: string, about: { of: number[]; to: number }, signal?: AbortSignal): Promise<AuditProofs>
  /** Keeps evidence that a log isn't what its device has signed, and tells of it. */
  accuse(peer: string, documents: readonly Uint8Array[]): Promise<void>
}

/** The witnessed log of this controller itself. */
export interface OwnLog {
  /** Tells it what was done. Resolves when that is on disk; never rejects. */
  readonly audited: (what: string, about: Readonly<Record<string, string | number | undefined>>) => Promise<void>
  /** This controller stays: its start is written down, and the jumps of its clock. Never rejects. */
  stays(command: string): Promise<void>
  /** Undefined while nothing is written. Throws a FormatError where it can't be read. */
  head(): Promise<LogHead | undefined>
}

/** Sessions that devices have recorded, sealed for controllers. */
export interface DeviceRecordings {
  /** Asks a neighbour, the newest first. Throws an AnswerError, or a FormatError. */
  list(peer: string, signal?: AbortSignal): Promise<Recorded[]>
  /** The whole sealed file of one. Throws an AnswerError, or a FormatError. */
  read(peer: string, id: string, signal?: AbortSignal): Promise<Uint8Array>
  /** Throws a RecordingError for what is no recording, and for one that was not sealed for this controller. */
  open(file: Uint8Array): Promise<OpenedRecording>
}

/** Members that are connected now, and the way to others. */
export interface Neighbours {
  readonly members: Neighbour[]
  /** Codes of why members do not let this peer in, by their own word. */
  readonly refusals: ReadonlySet<string>
  /** Whether anybody is connected or being dialled, admitted or not. */
  readonly areConnecting: boolean
  /** When all news were last exchanged with a member that is connected, by `Date.now()`; undefined if they weren't yet. */
  readonly syncedAt: number | undefined
  /** Multiaddrs at which a member was reached, the last one first, without its peer ID. */
  addressesOf(peer: string): readonly string[]
  /** Why nobody can dial this peer where its settings say that it listens, for a person; nothing when all is well. */
  readonly listeningProblem: string | undefined
  /** Waits until a member is connected, and dials it; resolves to whether it is. */
  reach(peer: string, waitMs: number, left?: AbortSignal): Promise<boolean>
  /** How a member is connected now; undefined if it isn't. */
  wayTo(peer: string): WayView | undefined
  /** All connections to members. */
  look(): Promise<PeersView>
  /** Checks what this machine's network lets its peer do. */
  check(): Promise<NetChecks>
  /** Exchanges all news with every neighbour, or with one; resolves to how many there were. Never rejects. */
  sync(peer?: string): Promise<number>
  /** Exchanges proposals with a neighbour; resolves to whether both have now what either held. Never rejects. */
  exchangeProposals(peer: string): Promise<boolean>
  /** Whether a neighbour has the same timestamp metadata as this peer. Never rejects. */
  hasOurHead(peer: string): Promise<boolean>
  /** Asks a neighbour for its journal, an activation log or its history. Throws an AnswerError when it doesn't give it. */
  askForLog(peer: string, request: LogRequest, signal?: AbortSignal): Promise<Uint8Array>
  /** Asks a neighbour for the history of its metrics. Throws an AnswerError, or a FormatError. */
  askForMetrics(peer: string, request: HistoryRequest, signal?: AbortSignal): Promise<MetricsHistory>
  /** Tells a neighbour of which alerts it is to be silent. Throws an AnswerError. */
  silence(peer: string, silence: SilenceRequest, signal?: AbortSignal): Promise<void>
  /** Reads a page for Prometheus of a neighbour: its own (port 0), or one of its exporters. Throws an AnswerError. */
  scrape(peer: string, port: number, signal?: AbortSignal): Promise<Uint8Array>
  /** Opens a session of SSH on a device: the bytes of SSH itself. Throws an AccessRefusedError when the device refuses. */
  openSsh(peer: string, user: string, signal?: AbortSignal): Promise<Duplex>
  /** Opens a stream for forwarding to a device, whose messages the caller sends. */
  openForward(peer: string, signal?: AbortSignal): Promise<Duplex>
  /** The same for a screen of a device. */
  openScreen(peer: string, signal?: AbortSignal): Promise<Duplex>
  /** The same for snapshots of its screens. */
  openSnapshots(peer: string, signal?: AbortSignal): Promise<Duplex>
  /** `admitted`: a member is a neighbour now. `left`: it is one no more. `synced`: it and this peer have exchanged all news. */
  on(event: 'admitted', listener: (neighbour: Neighbour) => void): unknown
  on(event: 'left', listener: () => void): unknown
  on(event: 'synced', listener: (peer: string) => void): unknown
  off(event: 'admitted', listener: (neighbour: Neighbour) => void): unknown
  off(event: 'left', listener: () => void): unknown
  off(event: 'synced', listener: (peer: string) => void): unknown
}
