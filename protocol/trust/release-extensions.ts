/** Version 2 of a release: extensions under `custom` of the target that names the release's document, as TUF provides. */

import { canonicalize } from '@tufjs/canonical-json'
import { z } from 'zod'
import { describeIssues } from '../encoding/cbor.ts'
import { extensionsSchema } from '../encoding/extensions.ts'
import { nameSchema } from '../encoding/fields.ts'
import { equalBytes } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import type { Release, ReleaseExtensions } from '../release/release.ts'
import { type Loaded, MetadataError, type TargetContent } from './metadata.ts'

const customSchema = z
  .strictObject({
    v: z.literal(2),
    extensions: extensionsSchema({ one: limits.releaseExtension, all: limits.releaseExtensions }),
    critical: z.array(nameSchema).max(limits.extensions),
  })
  .check(({ value, issues }) => {
    const { critical, extensions } = value
    const rising = critical.every((name, at) => at === 0 || (critical[at - 1] ?? '') < name)
    if (rising && critical.every(name => Object.hasOwn(extensions, name))) return
    issues.push({
      code: 'custom',
      input: critical,
      path: ['critical'],
      message: 'expected names of extensions that are there, each once, in order',
    })
  })

/** What a target says of its release beside hash and length; empty without extensions. */
export function customOf(extensions: ReleaseExtensions | undefined): Pick<TargetContent, 'custom'> {
  if (extensions === undefined || Object.keys(extensions.values).length === 0) return {}
  const custom = { v: 2, extensions: extensions.values, critical: [...extensions.critical].sort() }
  const checked = customSchema.safeParse(custom)
  if (!checked.success) {
    throw new MetadataError('malformed', `not valid extensions of a release: ${describeIssues(checked.error)}`)
  }
  return { custom: { thymesh: custom } as unknown as NonNullable<TargetContent['custom']> }
}

/**
 * The extensions of the release that a target names; undefined if it has version 1. Throws a MetadataError if they are
 * malformed or more than allowed, or if the metadata isn't canonical, so that a second value of one name could hide in it.
 */
export function extensionsIn(metadata: Loaded<'targets'>, path: string): ReleaseExtensions | undefined {
  const { targets } = metadata.signed
  const custom = Object.hasOwn(targets, path) ? targets[path]?.custom : undefined
  if (custom === undefined || !Object.hasOwn(custom, 'thymesh')) return undefined
  const parsed = customSchema.safeParse(custom.thymesh)
  if (!parsed.success) {
    throw new MetadataError('malformed', `not valid extensions of a release: ${describeIssues(parsed.error)}`)
  }
  const canonical = Buffer.from(canonicalize(JSON.parse(Buffer.from(metadata.bytes).toString())))
  if (!equalBytes(canonical, metadata.bytes)) {
    throw new MetadataError('malformed', 'expected canonical metadata around the extensions of a release')
  }
  const { extensions: values, critical } = parsed.data
  return { values, critical }
}

/** A release's document together with its extensions. Throws a MetadataError. */
export function withExtensions(release: Release, metadata: Loaded<'targets'> | undefined, path: string): Release {
  const extensions = metadata && extensionsIn(metadata, path)
  return extensions === undefined ? release : { ...release, extensions }
}
