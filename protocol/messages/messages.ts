/** What peers say to each other: hello, heads, sync and requests for documents and NARs. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { bootLength, bytesSchema, fleetIdSchema, formatVersion, versionSchema } from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { peerIdSchema } from '../signing/peer-id.ts'

/** Protocol names; the fleet's ID keeps fleets that share a network apart. Numbers are written out, never derived. */
export function protocolNames(fleet: string) {
  const prefix = `thymesh/${fleet.slice(0, 16)}`
  return {
    /** For libp2p's own protocols (identify, ping, kad). */
    prefix,
    hello: `/${prefix}/hello/1`,
    sync: `/${prefix}/sync/2`,
    /** Sync without the summary in front, as peers of old speak it. */
    plainSync: `/${prefix}/sync/1`,
    document: `/${prefix}/document/1`,
    /** The same, for documents that may be told apart from others. */
    documentDelta: `/${prefix}/document/2`,
    swarm: `/${prefix}/swarm/1`,
    log: `/${prefix}/log/1`,
    proposals: `/${prefix}/proposals/1`,
    heads: `${prefix}/heads/1`,
    members: `${prefix}/members/1`,
    reports: `${prefix}/reports/1`,
  } as const
}
export type ProtocolNames = ReturnType<typeof protocolNames>

/** The first word of both sides, before either is admitted. */
const helloSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  certificate: bytesSchema(1, limits.envelope),
  /** Name and version of the program, for people. */
  agent: z.string().max(100),
  /** How far its trusted metadata goes; 0 where it has none. Hints: they are checked when the metadata is fetched. */
  root: z.int().min(0),
  timestamp: z.int().min(0),
  /** Drawn anew by each process: two at a time under one peer ID are two devices with one key. */
  boot: bytesSchema(bootLength).optional(),
})
export type Hello = z.infer<typeof helloSchema>
export const helloCodec = codec<Hello>('hello', limits.hello, helloSchema)

/** The answer to a hello. */
const verdictSchema = z.strictObject({
  admitted: z.boolean(),
  reason: z.string().max(300).optional(),
  /** The code of the error behind a refusal. */
  code: z.string().max(50).optional(),
})
export type Verdict = z.infer<typeof verdictSchema>
export const verdictCodec = codec<Verdict>('verdict', limits.request, verdictSchema)

/** What gossip carries of the trusted metadata: the timestamp, and how far the roots go (a hint, checked by walking). */
const headSchema = z.strictObject({ root: versionSchema, timestamp: bytesSchema(1, limits.timestamp) })
export type Head = z.infer<typeof headSchema>
export const headCodec = codec<Head>('head', limits.gossipMessage, headSchema)

/** What a peer holds: its head, and for each member its certificate's rank and its report's counter. */
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
    .max(limits.members),
})
export type SyncDigest = z.infer<typeof digestSchema>
export const digestCodec = codec<SyncDigest>('sync digest', limits.syncDigest, digestSchema)

/** The SHA-256 of a digest: where both have the same, neither sends it. Members stand in the order of their IDs. */
const summarySchema = z.strictObject({ digest: bytesSchema(hashLength) })
export type SyncSummary = z.infer<typeof summarySchema>
export const summaryCodec = codec<SyncSummary>('sync summary', limits.request, summarySchema)

/** One thing that the other side lacked; `end` closes the list. */
const syncItemSchema = z.union([
  z.strictObject({ certificate: bytesSchema(1, limits.envelope), peer: peerIdSchema }),
  z.strictObject({ report: bytesSchema(1, limits.envelope) }),
  /** Where a member was reached lately: a hint, since noise proves who answers there. */
  z.strictObject({ addresses: z.array(z.string().max(200)).max(8), peer: peerIdSchema }),
  z.strictObject({ end: z.literal(true) }),
])
export type SyncItem = z.infer<typeof syncItemSchema>
export const syncItemCodec = codec<SyncItem>('sync item', limits.envelope + limits.request, syncItemSchema)

const documentRequestSchema = z.union([
  z.strictObject({
    hash: bytesSchema(hashLength),
    /** Documents that the asker has and that are much like it, the likeliest first. Only in version 2 of the protocol. */
    bases: z.array(bytesSchema(hashLength)).min(1).max(limits.bases).optional(),
  }),
  z.strictObject({ root: versionSchema }),
  z.strictObject({ head: z.literal(true) }),
  z.strictObject({ certificate: peerIdSchema }),
])
export type DocumentRequest = z.infer<typeof documentRequestSchema>
export const documentRequestCodec = codec<DocumentRequest>('document request', limits.request, documentRequestSchema)

/** In front of a body of `size` bytes, or instead of it. */
const answerSchema = z.union([
  z.strictObject({
    size: z.int().min(0).max(limits.narSize),
    /** The body is packed with zstd; this many bytes come out of it. */
    unpacked: z.int().min(1).max(limits.narSize).optional(),
    /** One of the request's bases: it was zstd's dictionary. */
    base: bytesSchema(hashLength).optional(),
  }),
  z.strictObject({ error: z.enum(['not-found', 'not-served', 'busy', 'failed']) }),
])
export type Answer = z.infer<typeof answerSchema>
export const answerCodec = codec<Answer>('answer', limits.request, answerSchema)
