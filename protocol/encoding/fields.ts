/** Schemas of the fields that documents share. */

import { z } from 'zod'
import { limits } from '../limits.ts'

/** A fleet's ID: SHA-256 of root version 1, in hex. */
export const fleetIdSchema = z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected a fleet ID (64 hex digits)' })

/** Names of devices, configs, tags and sites: valid DNS labels, so that they can be host names. */
export const nameSchema = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, {
  error: 'expected a name of lowercase letters, digits and inner hyphens, at most 63 characters',
})

/** A time as TUF writes it: UTC in whole seconds. It must be a real date, so that comparing it never yields NaN. */
export const timeSchema = z.string().refine(isTime, { error: 'expected a time such as 2026-01-31T12:00:00Z' })

function isTime(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text)) return false
  const date = new Date(text)
  // Date reads 30 February as 2 March; formatting it again shows the difference.
  return !Number.isNaN(date.getTime()) && timeText(date) === text
}

/** A version or counter: a whole number from 1. */
export const versionSchema = z
  .int()
  .min(1)
  .max(2 ** 48)

export const formatVersion = z.literal(1)

export const keyIdSchema = z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected a key ID (64 hex digits)' })

/** Text by a person, of one or more lines. */
export const messageSchema = z.string().max(limits.message)

/** A Nix system. */
export const systemSchema = z
  .string()
  .regex(/^[a-z0-9_]+-[a-z0-9]+$/, { error: 'expected a system such as x86_64-linux' })

/** A time zone of the IANA database. Its use site checks whether this machine knows it. */
export const timeZoneSchema = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+){0,2}$/, { error: 'expected a time zone such as Europe/Berlin' })

/** A join token's ID: the first half of its key's SHA-256, in hex. */
export const tokenIdSchema = z.string().regex(/^[0-9a-f]{32}$/, { error: "expected a join token's ID (32 hex digits)" })

/** The length in bytes of the random number that identifies a process. */
export const bootLength = 8

/** An X25519 recipient of age. */
export const ageRecipientSchema = z.string().max(100).startsWith('age1')

export const roleSchema = z.enum(['device', 'controller', 'relay'])

export const targetSchema = z.enum(['nixos', 'portable'])
export type Target = z.infer<typeof targetSchema>

/** Bytes of a given length. */
export function bytesSchema(min: number, max = min): z.ZodType<Uint8Array> {
  return z.instanceof(Uint8Array).refine(bytes => bytes.length >= min && bytes.length <= max, {
    error: min === max ? `expected ${min} bytes` : `expected ${min} to ${max} bytes`,
  }) as unknown as z.ZodType<Uint8Array>
}

/** Formats a time for a document. */
export function timeText(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

/**
 * Unit names as in systemd.unit(5), with a known type. No leading hyphen, shell metacharacters or glob characters, so
 * a name always denotes exactly one unit.
 */
export const unitNameSchema = z
  .string()
  .max(255)
  .regex(
    /^[A-Za-z0-9_:.\\@][A-Za-z0-9_:.\\@-]*\.(?:service|socket|target|timer|path|mount|automount|swap|slice|scope)$/,
    {
      error: 'expected the name of a unit such as web.service',
    },
  )
