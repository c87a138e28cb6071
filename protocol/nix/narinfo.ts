/** narinfo, the text in which a binary cache describes one store path: written as Nix writes it. */
import { z } from 'zod'
import { describeIssues } from '../encoding/cbor.ts'
import { ThymeshError } from '../errors.ts'
import { encodeNix32 } from './base32.ts'
import { storePathBaseName, storePathSchema } from './store-path.ts'

/** A path that no narinfo can describe. */
export class NarInfoError extends ThymeshError<'narinfo-invalid'> {}

/** Most references and signatures of one path that are written. */
const maxReferences = 20_000
const maxSignatures = 64
const sha256Bytes = 32

/** A value on a line of its own. It can't contain a line break, so it can't inject another line. */
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
  /** The NAR's URL, relative to the cache. */
  url: lineSchema,
  /** `none`, `xz`, `zstd` …; a narinfo without it means `bzip2`. */
  compression: lineSchema,
  /** SHA-256 and size of the file at the URL, if given. */
  fileHash: hashSchema.optional(),
  fileSize: z.int().min(1).optional(),
  /** SHA-256 of the NAR, 32 bytes. */
  narHash: hashSchema,
  narSize: z.int().min(1),
  /** Full store paths, including a self-reference. */
  references: z.array(storePathSchema).max(maxReferences),
  /** Full store path. */
  deriver: storePathSchema.optional(),
  /** `name:base64`, any number. */
  signatures: z.array(lineSchema.regex(/^[^:]+:[A-Za-z0-9+/]+=*$/, 'expected name:base64')).max(maxSignatures),
  contentAddress: lineSchema.optional(),
})

/** The content of a narinfo. */
export type NarInfo = z.infer<typeof narInfoSchema>

/**
 * Formats a narinfo line for line as Nix does (`nar-info.cc`).
 *
 * @throws NarInfoError `narinfo-invalid` if a value isn't valid on its line.
 */
export function formatNarInfo(info: NarInfo): string {
  const { data: checked, error } = narInfoSchema.safeParse(info)
  if (checked === undefined) throw new NarInfoError('narinfo-invalid', `expected a narinfo: ${describeIssues(error)}`)
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

function line(key: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [`${key}: ${value}`]
}

function formatHash(hash: Uint8Array): string {
  return `sha256:${encodeNix32(hash)}`
}
