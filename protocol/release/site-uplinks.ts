/** What a release says of sites' uplinks: how much may come over each in a day, and when. An extension that devices may ignore. */

import { z } from 'zod'
import { nameSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import type { Release, ReleaseExtensions } from './release.ts'
import { windowSchema } from './update-policy.ts'

/** The release's extension with the uplinks, by site. */
export const uplinksExtension = 'uplinks'

const MiB = 1024 ** 2

const siteUplinkSchema = z.strictObject({
  /** Bytes on the wire that all devices of the site together may fetch over it in a day of UTC. */
  bytesPerDay: z
    .int()
    .min(4 * MiB)
    .max(limits.narSize)
    .optional(),
  /** When chunks may be fetched over it; at any time if there are none. */
  windows: z.array(windowSchema).min(1).max(limits.windows).optional(),
  /** Its rate, for plans: nothing is limited by it. */
  bitsPerSecond: z.int().min(1).max(1e12).optional(),
})
export type SiteUplink = z.infer<typeof siteUplinkSchema>

export const siteUplinksSchema = z.record(nameSchema, siteUplinkSchema)
export type SiteUplinks = z.infer<typeof siteUplinksSchema>

const none: SiteUplinks = Object.freeze({})
/** Each extension is parsed once: a fetch asks about its uplink for each chunk. */
const parsed = new WeakMap<object, SiteUplinks>()

/** All uplinks of a release; none if it names none, or in a form that is not known. */
export function uplinksOf({ extensions }: Pick<Release, 'extensions'>): Readonly<SiteUplinks> {
  const value: unknown = extensions?.values[uplinksExtension]
  if (typeof value !== 'object' || value === null) return none
  const known = parsed.get(value) ?? siteUplinksSchema.safeParse(value).data ?? none
  parsed.set(value, known)
  return known
}

/** The uplink of a site, as a release has it. */
export function uplinkOf(release: Pick<Release, 'extensions'>, site: string | undefined): SiteUplink | undefined {
  const uplinks = uplinksOf(release)
  return site !== undefined && Object.hasOwn(uplinks, site) ? uplinks[site] : undefined
}

/** Extensions with these uplinks; not critical, since devices of the version before only fetch without a bound. */
export function withUplinks(extensions: ReleaseExtensions | undefined, uplinks: SiteUplinks): ReleaseExtensions {
  const { [uplinksExtension]: _, ...values } = extensions?.values ?? {}
  const critical = extensions?.critical ?? []
  if (Object.keys(uplinks).length === 0) return { values, critical }
  return { values: { ...values, [uplinksExtension]: uplinks as ReleaseExtensions['values'][string] }, critical }
}
