/** The extension of a report that says which daemon writes it: its version, and whether a release or the machine brought it. */

import { z } from 'zod'
import type { Extensions } from '../encoding/extensions.ts'
import type { Report } from './report.ts'

const name = 'daemon'

/**
 * `release`: part of the generation, in the Nix store. `package`: of the distribution's package manager. `tarball`: below another
 * prefix. `sources`: a working copy.
 */
const daemonOrigins = ['release', 'package', 'tarball', 'sources'] as const
export type DaemonOrigin = (typeof daemonOrigins)[number]

export const daemonSchema = z.object({
  version: z.string().regex(/^\d[0-9A-Za-z.+~-]{0,39}$/),
  from: z.enum(daemonOrigins),
})
export type ReportedDaemon = z.infer<typeof daemonSchema>

/** One text, since every report has it: `0.2.0 release`. */
export function daemonExtension({ version, from }: ReportedDaemon): Extensions {
  return { [name]: `${version} ${from}` }
}

/** Nothing for a device of the version before, or where it makes no sense. */
export function daemonOf({ extensions }: Pick<Report, 'extensions'>): ReportedDaemon | undefined {
  const said = extensions?.[name]
  if (typeof said !== 'string') return undefined
  const [version, from] = said.split(' ', 3)
  return daemonSchema.safeParse({ version, from }).data
}
