/** The files of a bundle, their fixed order and their limits. */

import { z } from 'zod'
import { nameSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import { bundleEndBytes } from './bundle-end.ts'
import { BundleError } from './bundle-error.ts'
import { indexEntryBytes } from './chunk-index.ts'
import { deltaEntryBytes } from './delta-index.ts'
import type { UstarEntry } from './ustar.ts'

/** What a file of a bundle is; `number` counts files of one kind. */
export type BundleFile =
  | { readonly kind: 'manifest' | 'readme' | 'timestamp' | 'snapshot' | 'targets' | 'delta-index' | 'index' | 'end' }
  | { readonly kind: 'root'; readonly version: number }
  | { readonly kind: 'delegated'; readonly role: string }
  | { readonly kind: PackKind; readonly number: number }

type Kind = BundleFile['kind']
export type PackKind = 'members' | 'documents' | 'deltas' | 'chunks'

interface Rule {
  /** The place in the order. */
  readonly rank: number
  readonly maxBytes: number
  /** How many of the kind there may be; `required`: at least one. */
  readonly max: number
  readonly required?: true
}

const rules: Record<Kind, Rule> = {
  manifest: { rank: 0, maxBytes: limits.bundleText, max: 1, required: true },
  readme: { rank: 1, maxBytes: limits.bundleText, max: 1 },
  root: { rank: 2, maxBytes: limits.root, max: limits.rootRotations, required: true },
  timestamp: { rank: 3, maxBytes: limits.timestamp, max: 1, required: true },
  snapshot: { rank: 4, maxBytes: limits.snapshot, max: 1, required: true },
  targets: { rank: 5, maxBytes: limits.targets, max: 1, required: true },
  delegated: { rank: 6, maxBytes: limits.targets, max: limits.sites + 1 },
  members: { rank: 7, maxBytes: limits.bundlePackedPack, max: limits.bundleMemberPacks },
  documents: { rank: 8, maxBytes: limits.bundlePackedPack, max: limits.bundleDocumentPacks },
  deltas: { rank: 9, maxBytes: limits.bundlePackedPack, max: limits.bundleChunkPacks },
  chunks: { rank: 10, maxBytes: limits.bundlePackedPack, max: limits.bundleChunkPacks },
  'delta-index': { rank: 11, maxBytes: limits.bundleChunks * deltaEntryBytes, max: 1 },
  index: { rank: 12, maxBytes: limits.bundleChunks * indexEntryBytes, max: 1, required: true },
  end: { rank: 13, maxBytes: bundleEndBytes, max: 1, required: true },
}

const names: Partial<Record<string, BundleFile>> = {
  'bundle.json': { kind: 'manifest' },
  'readme.txt': { kind: 'readme' },
  'trust/timestamp': { kind: 'timestamp' },
  'trust/snapshot': { kind: 'snapshot' },
  'trust/targets': { kind: 'targets' },
  'trust/roles/members': { kind: 'delegated', role: 'members' },
  'delta-index': { kind: 'delta-index' },
  index: { kind: 'index' },
  end: { kind: 'end' },
}

/** The name of a file in the archive. */
export function bundleFileName(file: BundleFile): string {
  if (file.kind === 'root') return `trust/root/${file.version}`
  if (file.kind === 'delegated') return `trust/roles/${file.role}`
  if ('number' in file) return `${file.kind}/${String(file.number).padStart(6, '0')}.zst`
  const found = Object.entries(names).find(([, known]) => known?.kind === file.kind)
  return found?.[0] ?? file.kind
}

function fileOf(name: string): BundleFile | undefined {
  if (Object.hasOwn(names, name)) return names[name]
  const root = /^trust\/root\/([1-9]\d{0,5})$/.exec(name)
  if (root !== null) return { kind: 'root', version: Number(root[1]) }
  const site = /^trust\/roles\/sites\/(.+)$/.exec(name)?.[1]
  if (site !== undefined && nameSchema.safeParse(site).success) return { kind: 'delegated', role: `sites/${site}` }
  const packs = z.enum(['members', 'documents', 'deltas', 'chunks']).safeParse(name.split('/')[0])
  const number = /^[a-z]+\/(\d{6})\.zst$/.exec(name)?.[1]
  return packs.success && number !== undefined ? { kind: packs.data, number: Number(number) } : undefined
}

/** Checks file after file: kinds in their order, numbers without a gap, no name twice, nothing unknown. */
export class BundleOrder {
  readonly #counts = new Map<Kind, number>()
  #rank = -1
  #name = ''

  /** The next file. Throws a BundleError if it may not be here or is too large. */
  next({ name, size }: UstarEntry): BundleFile {
    const file = fileOf(name)
    if (file === undefined) throw BundleError.malformed(`expected a file of thymesh-bundle/1, got ${name}`)
    const { rank, maxBytes, max } = rules[file.kind]
    const count = this.#counts.get(file.kind) ?? 0
    const follows = rank > this.#rank || (rank === this.#rank && max > 1)
    const position = file.kind === 'root' ? file.version - 1 : 'number' in file ? file.number : undefined
    const inTurn = position === undefined ? count === 0 || name > this.#name : position === count
    const missing = Object.values(rules).some(rule => rule.required && rule.rank > this.#rank && rule.rank < rank)
    if (!follows || !inTurn || missing) throw BundleError.malformed(`expected another file than ${name} here`)
    if (count >= max) throw tooLarge(`expected at most ${max} files such as ${name}, got more`)
    if (size > maxBytes) throw tooLarge(`expected at most ${maxBytes} bytes in ${name}, got ${size}`)
    const entryBytes = { index: indexEntryBytes, 'delta-index': deltaEntryBytes }[file.kind as string] ?? 1
    if (size % entryBytes !== 0) {
      throw BundleError.malformed(`expected a whole number of entries in ${name}, got ${size} bytes`)
    }
    this.#counts.set(file.kind, count + 1)
    this.#rank = rank
    this.#name = name
    return file
  }
}

function tooLarge(message: string): BundleError {
  return new BundleError('too-large', message, { hint: 'Write the bundle again with `thymesh bundle write`.' })
}
