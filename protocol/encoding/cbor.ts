/** Canonical DAG-CBOR: documents are decoded with a schema and a size limit, and have exactly one encoding. */

import { decode as decodeDagCbor, encode as encodeDagCbor } from '@ipld/dag-cbor'
import type { z } from 'zod'
import { messageOf, ThymeshError } from '../errors.ts'
import { equalBytes } from './hash.ts'

/** Why received bytes were rejected. */
export class FormatError extends ThymeshError<'too-large' | 'not-canonical' | 'malformed'> {}

/** Encodes and decodes one kind of document. */
export interface Codec<T> {
  readonly name: string
  readonly maxBytes: number
  encode(document: T): Uint8Array
  decode(bytes: Uint8Array): T
}

export interface StoredCodec<T> extends Codec<T> {
  /** Decodes what `decode` accepted before it was stored: whether it is the canonical encoding isn't looked at again. */
  decodeStored(bytes: Uint8Array): T
}

/**
 * A codec for documents of one schema: DAG-CBOR (https://ipld.io/specs/codecs/dag-cbor/spec/) in its canonical form.
 * `decode` throws a FormatError if the bytes are too many, don't match the schema, or aren't the canonical encoding.
 * So equal documents have equal hashes on every peer.
 */
export function codec<T>(name: string, maxBytes: number, schema: z.ZodType<T>): StoredCodec<T> {
  const decodeStored = (bytes: Uint8Array): T => {
    bounded(name, maxBytes, bytes)
    let value: unknown
    try {
      value = decodeDagCbor(bytes)
    } catch (thrown) {
      throw new FormatError('malformed', `expected a ${name} in DAG-CBOR: ${messageOf(thrown)}`, { cause: thrown })
    }
    return parsed(name, schema, value)
  }
  return {
    name,
    maxBytes,
    encode: document => bounded(name, maxBytes, encodeDagCbor(withoutUndefined(parsed(name, schema, document)))),
    decode: bytes => {
      const document = decodeStored(bytes)
      if (!equalBytes(encodeDagCbor(withoutUndefined(document)), bytes)) {
        throw new FormatError('not-canonical', `expected a ${name} in canonical DAG-CBOR, got another encoding of it`)
      }
      return document
    },
    decodeStored,
  }
}

function bounded(name: string, maxBytes: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length > maxBytes) {
    throw new FormatError('too-large', `expected a ${name} of at most ${maxBytes} bytes, got ${bytes.length}`)
  }
  return bytes
}

function parsed<T>(name: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new FormatError('malformed', `not a valid ${name}: ${describeIssues(result.error)}`, { cause: result.error })
}

/** The longest description of one issue, in characters: it repeats unknown keys, and a peer may send long ones. */
const maxIssueLength = 200

/** Zod's issues in one line, at most five: each key, then what is wrong with it. */
export function describeIssues(error: z.ZodError): string {
  const lines = error.issues.slice(0, 5).map(issue => {
    const key = issue.path.map(String).join('.')
    const line = key === '' ? issue.message : `${key}: ${issue.message}`
    return line.length > maxIssueLength ? `${line.slice(0, maxIssueLength)}…` : line
  })
  const more = error.issues.length - lines.length
  return lines.join('; ') + (more > 0 ? `; and ${more} more` : '')
}

/** DAG-CBOR has no undefined: absent optional keys are omitted. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined)
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, withoutUndefined(item)]),
  )
}
