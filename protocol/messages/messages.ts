/** Messages between peers: hello, heads, sync, and requests for documents and NARs. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { bootLength, bytesSchema, fleetIdSchema, formatVersion, versionSchema } from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { peerIdSchema } from '../signing/peer-id.ts'

/**
 * Protocol names. The fleet's ID separates fleets that share a network. Version numbers are written out, never
 * derived.
 */
export function protocolNames(fleet: string) {
  const prefix = `thymesh/${fleet.slice(0, 16)}`
  return {
    /** For libp2p's own protocols (identify, ping, kad). */
    prefix,
    hello: `/${prefix}/hello/1`,
    /** Sync that finds differences by ranges. */
    sync: `/${prefix}/sync/5`,
    /** The same with longer fingerprints. */
    syncByLongPrints: `/${prefix}/sync/4`,
    /** Sync by digests of all members. */
    syncByDigests: `/${prefix}/sync/3`,
    /** The same with reports of version 1 only. */
    syncOfPlainReports: `/${prefix}/sync/2`,
    /** That without the summary, as older peers speak it. */
    plainSync: `/${prefix}/sync/1`,
    /** What devices repeat, told to some neighbours now and then. */
    news: `/${prefix}/news/1`,
    document: `/${prefix}/document/1`,
    /** Document requests whose answers may be deltas. */
    documentDelta: `/${prefix}/document/2`,
    /** Requests for all documents that a head names. */
    documentsOfHead: `/${prefix}/document/3`,
    swarm: `/${prefix}/swarm/2`,
    /** Swarm streams without `lost`, as peers of old speak them. */
    swarmWithoutLosses: `/${prefix}/swarm/1`,
    /** Tickets for a second connection, for chunks alone. */
    lane: `/${prefix}/lane/1`,
    /** The same for a stream of access. */
    streamLane: `/${prefix}/lane/2`,
    log: `/${prefix}/log/1`,
    metrics: `/${prefix}/metrics/1`,
    /** The witnessed log of a device. */
    audit: `/${prefix}/audit/1`,
    alerts: `/${prefix}/alerts/1`,
    /** Sessions of SSH, and forwarded connections, from controllers to devices. */
    ssh: `/${prefix}/ssh/1`,
    forward: `/${prefix}/forward/1`,
    /** Screens of a device, which a controller watches. */
    screen: `/${prefix}/screen/1`,
    /** Small pictures of its screens, which it has taken by itself. */
    snapshots: `/${prefix}/snapshots/1`,
    /** Sessions that a device has recorded. */
    recordings: `/${prefix}/recordings/1`,
    proposals: `/${prefix}/proposals/1`,
    /** Streams to a member through a relay, and from the relay to that member. */
    relay: `/${prefix}/relay/1`,
    relayed: `/${prefix}/relayed/1`,
    /** Where a member is seen from outside, and whether it can be dialled there. */
    reach: `/${prefix}/reach/1`,
    /** Two members behind NATs connect to each other at the same time. */
    punch: `/${prefix}/punch/1`,
    heads: `${prefix}/heads/1`,
    members: `${prefix}/members/1`,
    reports: `${prefix}/reports/1`,
    /** Reports of version 2, which peers of the version before would refuse. */
    extendedReports: `${prefix}/reports/2`,
  } as const
}
export type ProtocolNames = ReturnType<typeof protocolNames>

/** The topics of gossip. */
export function gossipTopics({ heads, members, reports, extendedReports }: ProtocolNames): string[] {
  return [heads, members, reports, extendedReports]
}

/** Versions of sync, the newest first. */
export function syncProtocols(names: ProtocolNames): string[] {
  return [names.sync, names.syncByLongPrints, names.syncByDigests, names.syncOfPlainReports, names.plainSync]
}

/** Versions of the swarm's protocol, the newest first. */
export function swarmProtocols({ swarm, swarmWithoutLosses }: ProtocolNames): string[] {
  return [swarm, swarmWithoutLosses]
}

/** The first message of both sides, before either is admitted. */
const helloSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  certificate: bytesSchema(1, limits.envelope),
  /** Name and version of the program, for display. */
  agent: z.string().max(100),
  /** The versions of its trusted metadata; 0 if it has none. Hints only: fetched metadata is verified. */
  root: z.int().min(0),
  timestamp: z.int().min(0),
  /** A random number of the process. Two at a time under one peer ID mean two devices with one key. */
  boot: bytesSchema(bootLength).optional(),
})
export type Hello = z.infer<typeof helloSchema>
export const helloCodec = codec<Hello>('hello', limits.hello, helloSchema)

/** The answer to a hello. */
const verdictSchema = z.strictObject({
  admitted: z.boolean(),
  reason: z.string().max(300).optional(),
  /** The error code behind a refusal. */
  code: z.string().max(50).optional(),
})
export type Verdict = z.infer<typeof verdictSchema>
export const verdictCodec = codec<Verdict>('verdict', limits.request, verdictSchema)

/**
 * The trusted metadata in gossip: the timestamp, and the root version (a hint, verified by walking the
 * roots).
 */
const headSchema = z.strictObject({ root: versionSchema, timestamp: bytesSchema(1, limits.timestamp) })
export type Head = z.infer<typeof headSchema>
export const headCodec = codec<Head>('head', limits.gossipMessage, headSchema)

/** The holdings of a peer: its head, and each member's certificate rank and report counter. */
const digestSchema = z.strictObject({
  head: headSchema.optional(),
  members: z
    .array(
      z.strictObject({
        peer: peerIdSchema,
        issued: z.string().max(30),
        report: z.int().min(0),
      }),
    )
    .max(limits.digestMembers),
})
export type SyncDigest = z.infer<typeof digestSchema>
export const digestCodec = codec<SyncDigest>('sync digest', limits.syncDigest, digestSchema)

/** The SHA-256 of a digest: if both sides have the same, neither sends the digest. Members are sorted by ID. */
const summarySchema = z.strictObject({ digest: bytesSchema(hashLength) })
export type SyncSummary = z.infer<typeof summarySchema>
export const summaryCodec = codec<SyncSummary>('sync summary', limits.request, summarySchema)

/** What one side lacks. */
const syncContents = [
  z.strictObject({ certificate: bytesSchema(1, limits.envelope), peer: peerIdSchema }),
  z.strictObject({ report: bytesSchema(1, limits.envelope) }),
  /**
   * Addresses where a member was reached recently. Hints only: Noise proves the identity of the peer that answers
   * there.
   */
  z.strictObject({ addresses: z.array(z.string().max(200)).max(8), peer: peerIdSchema }),
] as const
export const syncContentSchema = z.union(syncContents)
export type SyncContent = z.infer<typeof syncContentSchema>

/** One item that the other side lacks; `end` closes the list. */
const syncItemSchema = z.union([...syncContents, z.strictObject({ end: z.literal(true) })])
export type SyncItem = z.infer<typeof syncItemSchema>
export const syncItemCodec = codec<SyncItem>('sync item', limits.envelope + limits.request, syncItemSchema)

/** Bytes that tell documents of one head apart; where two are alike by chance, one is asked for by its whole hash. */
export const namedPrefixLength = 4
const isWhole = ({ length }: Uint8Array) => length % namedPrefixLength === 0

const documentRequestSchema = z.union([
  z.strictObject({
    hash: bytesSchema(hashLength),
    /** Similar documents that the requester has (delta bases), most likely first. Only in version 2 of the protocol. */
    bases: z.array(bytesSchema(hashLength)).min(1).max(limits.bases).optional(),
  }),
  z.strictObject({ root: versionSchema }),
  z.strictObject({ head: z.literal(true) }),
  z.strictObject({ certificate: peerIdSchema }),
  /** All documents that a head names, as a list, only in version 3 of the protocol. */
  z.strictObject({
    /** SHA-256 of the head's timestamp. */
    named: bytesSchema(hashLength),
    /** The first four bytes of the SHA-256 of each that the requester has, one after another. */
    without: bytesSchema(0, limits.namedDocuments * namedPrefixLength).refine(
      isWhole,
      'expected prefixes of four bytes',
    ),
  }),
])
export type DocumentRequest = z.infer<typeof documentRequestSchema>
export const documentRequestCodec = codec<DocumentRequest>('document request', limits.request, documentRequestSchema)

/** Documents that a head names. Those that don't fit are left out: the requester asks for them by hash. */
const namedDocumentsSchema = z.strictObject({
  documents: z.array(bytesSchema(1, limits.namedDocumentsBytes)).max(limits.namedDocuments),
})
export const namedDocumentsCodec = codec('named documents', limits.namedDocumentsBytes, namedDocumentsSchema)

/** Precedes a body of `size` bytes, or replaces it. */
const answerSchema = z.union([
  z.strictObject({
    size: z.int().min(0).max(limits.narSize),
    /** The body is compressed with zstd; its uncompressed size in bytes. */
    unpacked: z.int().min(1).max(limits.narSize).optional(),
    /** The request's base that was used as the zstd dictionary. */
    base: bytesSchema(hashLength).optional(),
  }),
  z.strictObject({ error: z.enum(['not-found', 'not-served', 'busy', 'failed']) }),
])
export type Answer = z.infer<typeof answerSchema>
export const answerCodec = codec<Answer>('answer', limits.request, answerSchema)
