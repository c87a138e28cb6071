/** The document of shifts that a release names: an extension that devices may ignore, since it only saves bytes. */

import { z } from 'zod'
import type { Release, ReleaseExtensions } from './release.ts'

/** The release's extension with the SHA-256 of the document, in hex. */
export const shiftsExtension = 'shifts'

const shiftsSchema = z.string().regex(/^[0-9a-f]{64}$/)

/** SHA-256, in hex, of the document of shifts; undefined if a release names none, or in a form that is not known. */
export function shiftsOf({ extensions }: Pick<Release, 'extensions'>): string | undefined {
  return shiftsSchema.safeParse(extensions?.values[shiftsExtension]).data
}

/** Extensions that name this document; not critical, since without it delta bases are only larger. */
export function withShifts(extensions: ReleaseExtensions | undefined, document: string | undefined): ReleaseExtensions {
  const { [shiftsExtension]: _, ...values } = extensions?.values ?? {}
  const critical = extensions?.critical ?? []
  return { values: document === undefined ? values : { ...values, [shiftsExtension]: document }, critical }
}
