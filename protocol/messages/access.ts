/** The hellos of streams that controllers open to a device: for a session of SSH, and for a forwarded connection. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { bytesSchema, formatVersion } from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { forwardTargetSchema, userSchema } from '../release/access.ts'
import { sshKeySchema } from '../release/ssh-key.ts'

/** Begins a session of SSH: after the verdict the stream carries SSH itself. */
const sshHelloSchema = z.strictObject({ v: formatVersion, user: userSchema })
export type SshHello = z.infer<typeof sshHelloSchema>
export const sshHelloCodec = codec<SshHello>('SSH hello', limits.accessHello, sshHelloSchema)

/**
 * Begins a stream for forwarding: `ask` asks for a challenge, on which a granted key signs; with the ticket that this gives,
 * each connection has a stream of its own.
 */
const forwardHelloSchema = z.union([
  z.strictObject({ v: formatVersion, ask: z.strictObject({ user: userSchema, key: sshKeySchema }) }),
  z.strictObject({
    v: formatVersion,
    ticket: bytesSchema(hashLength),
    to: forwardTargetSchema.refine(text => !text.endsWith(':*'), { error: 'expected a port' }),
  }),
])
export type ForwardHello = z.infer<typeof forwardHelloSchema>
export const forwardHelloCodec = codec<ForwardHello>('forward hello', limits.forwardHello, forwardHelloSchema)

/** Why a device refuses. */
export const accessRefusals = [
  'not-served',
  'not-granted',
  'no-sshd',
  'no-user',
  'busy',
  'unreachable',
  'failed',
] as const
export type AccessRefusal = (typeof accessRefusals)[number]

/** A device's answer: it agrees, or gives a challenge to sign as `ssh-keygen -Y sign` does it, or refuses. */
const accessVerdictSchema = z.union([
  z.strictObject({ ok: z.literal(true), ticket: bytesSchema(hashLength).optional() }),
  z.strictObject({ challenge: bytesSchema(hashLength) }),
  z.strictObject({ error: z.enum(accessRefusals), reason: z.string().max(300).optional() }),
])
export type AccessVerdict = z.infer<typeof accessVerdictSchema>
export const accessVerdictCodec = codec<AccessVerdict>('access verdict', limits.request, accessVerdictSchema)

/** The signature, as `ssh-keygen -Y sign` writes it. */
const proofSchema = z.strictObject({ signature: z.string().max(limits.forwardHello) })
export type Proof = z.infer<typeof proofSchema>
export const proofCodec = codec<Proof>('proof', limits.forwardHello * 2, proofSchema)

/** The namespace in which the signature counts. */
export const forwardNamespace = 'thymesh-forward'
