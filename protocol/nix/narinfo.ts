/** narinfo, the text in which a binary cache describes one store path: written as Nix writes it, read within bounds. */
import { z } from 'zod'
import { describeIssues } from '../encoding/cbor.ts'
import { ThymeshError } from '../errors.ts'
import { decodeNix32, encodeNix32 } from './base32.ts'
import { type StorePath, storeDir, storePathBaseName, storePathSchema } from './store-path.ts'

/** A text that should have been a narinfo, or a path that no narinfo can describe. */
export class NarInfoError extends ThymeshError<'narinfo-invalid'> {}

/** Longest narinfo that is read: 20,000 references of 200 characters; real ones stay below 64 KiB. */
export const maxNarinfoLength = 4 * 1024 * 1024
/** Most references and signatures of one path that are read or written. */
const maxReferences = 20_000
const maxSignatures = 64
const sha256Bytes = 32

/** A value that stands on a line of its own: what is put into it can start no further line. */
const lineSchema = z
  .string()
  .max(512)
  .regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces')
const hashSchema = z.custom<Uint8Array>(
  value => value instanceof Uint8Array && value.length === sha256Bytes,
  `expected a SHA-256 of ${sha256Bytes} bytes`,
)

const narInfoSchema = z.object({
  path: storePathSchema,
  /** Where the NAR is, relative to the cache's URL. */
  url: lineSchema,
  /** `none`, `xz`, `zstd` …; a text without it means `bzip2`. */
  compression: lineSchema,
  /** SHA-256 and size of what lies at the URL, where they are told. */
  fileHash: hashSchema.optional(),
  fileSize: z.int().min(1).optional(),
  /** SHA-256 of the NAR, 32 bytes. */
  narHash: hashSchema,
  narSize: z.int().min(1),
  /** Full store paths, the path itself included if it refers to itself. */
  references: z.array(storePathSchema).max(maxReferences),
  /** Full store path. */
  deriver: storePathSchema.optional(),
  /** `name:base64`, any number. */
  signatures: z.array(lineSchema.regex(/^[^:]+:[A-Za-z0-9+/]+=*$/, 'expected name:base64')).max(maxSignatures),
  contentAddress: lineSchema.optional(),
})

/** What one narinfo says. */
export type NarInfo = z.infer<typeof narInfoSchema>

/**
 * Writes a narinfo, line for line as Nix does (`nar-info.cc`).
 *
 * @throws NarInfoError `narinfo-invalid` when a value does not fit its line.
 */
export function formatNarInfo(info: NarInfo): string {
  const checked = parsed(info)
  const lines = [
    `StorePath: ${checked.path}`,
    `URL: ${checked.url}`,
    `Compression: ${checked.compression}`,
    ...line('FileHash', checked.fileHash && formatHash(checked.fileHash)),
    ...line('FileSize', checked.fileSize),
    `NarHash: ${formatHash(checked.narHash)}`,
    `NarSize: ${checked.narSize}`,
    `References: ${checked.references.toSorted().map(storePathBaseName).join(' ')}`,
    ...line('Deriver', checked.deriver && storePathBaseName(checked.deriver)),
    ...checked.signatures.map(signature => `Sig: ${signature}`),
    ...line('CA', checked.contentAddress),
  ]
  return `${lines.join('\n')}\n`
}

/**
 * Reads a narinfo. Lines with other keys are passed over, as Nix does.
 *
 * @throws NarInfoError `narinfo-invalid` for a text that lacks a line, repeats one or has a value that is none.
 */
export function parseNarInfo(text: string): NarInfo {
  if (text.length > maxNarinfoLength) {
    throw invalid(`a text of at most ${maxNarinfoLength} characters, got ${text.length}`)
  }
  const values = new Map<string, string>()
  const signatures: string[] = []
  for (const [at, each] of text.split('\n').entries()) {
    if (each === '') continue
    const colon = each.indexOf(': ')
    if (colon <= 0) throw invalid(`'Key: value' on line ${at + 1}, got '${each.slice(0, 80)}'`)
    const key = each.slice(0, colon)
    const value = each.slice(colon + 2)
    if (key === 'Sig') signatures.push(value)
    else if (values.has(key)) throw invalid(`one line '${key.slice(0, 80)}', got another on line ${at + 1}`)
    else values.set(key, value)
  }
  const deriver = values.get('Deriver')
  return parsed({
    path: values.get('StorePath'),
    url: values.get('URL'),
    compression: values.get('Compression') || 'bzip2',
    ...given('fileHash', values.get('FileHash'), parseHash),
    ...given('fileSize', values.get('FileSize'), parseSize),
    ...given('narHash', values.get('NarHash'), parseHash),
    ...given('narSize', values.get('NarSize'), parseSize),
    references: (values.get('References') ?? '').split(' ').filter(Boolean).map(fullPath),
    // What Nix before 2.4 wrote where it did not know.
    ...(deriver === undefined || deriver === 'unknown-deriver' ? {} : { deriver: fullPath(deriver) }),
    signatures,
    ...given('contentAddress', values.get('CA'), text => text),
  })
}

function parsed(value: unknown): NarInfo {
  const result = narInfoSchema.safeParse(value)
  if (result.success) return result.data
  throw invalid(`a narinfo: ${describeIssues(result.error)}`)
}

function line(key: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [`${key}: ${value}`]
}

function given<T>(name: string, text: string | undefined, parse: (text: string) => T): Record<string, T> {
  return text === undefined ? {} : { [name]: parse(text) }
}

function fullPath(baseName: string): StorePath {
  return `${storeDir}/${baseName}`
}

function formatHash(hash: Uint8Array): string {
  return `sha256:${encodeNix32(hash)}`
}

/** nix32 as Nix writes it, or hexadecimal as some caches do. */
function parseHash(text: string): Uint8Array {
  const digits = /^sha256:(?:([0-9a-z]{52})|([0-9a-f]{64}))$/.exec(text)
  if (digits?.[2] !== undefined) return new Uint8Array(Buffer.from(digits[2], 'hex'))
  try {
    if (digits?.[1] !== undefined) return decodeNix32(digits[1])
  } catch {
    // Said below.
  }
  throw invalid(`sha256:<nix32>, got '${text.slice(0, 80)}'`)
}

function parseSize(text: string): number {
  if (/^[1-9][0-9]{0,15}$/.test(text)) return Number(text)
  throw invalid(`a size in bytes, got '${text.slice(0, 80)}'`)
}

function invalid(expected: string): NarInfoError {
  return new NarInfoError('narinfo-invalid', `Expected ${expected}`)
}
