/** Closure descriptors: the store paths of a closure, with the hashes and signatures that pin their contents. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { bytesSchema, formatVersion } from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { storePathSchema } from '../nix/store-path.ts'

const pathSchema = z.strictObject({
  path: storePathSchema,
  narHash: bytesSchema(hashLength),
  narSize: z.int().min(1).max(limits.narSize),
  /**
   * Indices in `paths` of the references, including a self-reference: first the recipe's slots in order, then the
   * others.
   */
  references: z.array(z.int().min(0).max(limits.closurePaths)).max(limits.closurePaths),
  /** SHA-256 of the recipe that rebuilds its NAR. */
  recipe: bytesSchema(hashLength),
  /** Nix signatures in the form `name:base64`. */
  signatures: z.array(z.string().max(200)).max(limits.signatures),
})
export type DescribedPath = z.infer<typeof pathSchema>

const closureSchema = z
  .strictObject({
    v: formatVersion,
    /** References before referrers; the last one is the top level. */
    paths: z.array(pathSchema).min(1).max(limits.closurePaths),
  })
  .check(context => {
    const { paths } = context.value
    const seen = new Set<string>()
    for (const [place, { path, references }] of paths.entries()) {
      const problem = seen.has(path)
        ? 'expected each path once'
        : references.some(reference => reference > place)
          ? 'expected references before referrers'
          : new Set(references).size !== references.length
            ? 'expected each reference once'
            : undefined
      seen.add(path)
      if (problem !== undefined) {
        context.issues.push({ code: 'custom', input: path, path: ['paths', place], message: problem })
      }
    }
  })
export type Closure = z.infer<typeof closureSchema>

export const closureCodec = codec<Closure>('closure descriptor', limits.closure, closureSchema)

/** The store paths that a described path references. */
export function referencesOf(closure: Closure, described: DescribedPath): string[] {
  return described.references.flatMap(place => closure.paths[place]?.path ?? [])
}

/** The total size of the closure's NARs in bytes. */
export function closureSize(closure: Closure): number {
  return closure.paths.reduce((sum, { narSize }) => sum + narSize, 0)
}
