/** Names and paths of the roles that sites have, and their constraints. */

import { isDeepStrictEqual } from 'node:util'
import type { Targets } from '@tufjs/models'
import { nameSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'

const prefix = 'sites/'

export function siteRole(site: string): string {
  return `${prefix}${site}`
}

/** The site of a role; undefined for any other role. */
export function siteOf(role: string): string | undefined {
  const site = role.startsWith(prefix) ? role.slice(prefix.length) : ''
  return nameSchema.safeParse(site).success ? site : undefined
}

/** The only paths that a site's role may sign. */
export function sitePaths(site: string): string[] {
  return [`${prefix}${site}/*`]
}

export function siteReleaseTarget(site: string): string {
  return `${prefix}${site}/release`
}

/** Checks that a role with a site's name has exactly that site's path. Throws a RangeError. */
export function requireSiteRoles({ delegations }: Targets): void {
  const roles = Object.values(delegations?.roles ?? {}).filter(({ name }) => name.startsWith(prefix))
  if (roles.length > limits.sites) throw new RangeError(`expected at most ${limits.sites} sites, got ${roles.length}`)
  for (const { name, paths, pathHashPrefixes, keyIDs } of roles) {
    const site = siteOf(name)
    if (site === undefined) throw new RangeError(`expected a site's name behind ${prefix}, got ${name.slice(0, 80)}`)
    if (pathHashPrefixes !== undefined || !isDeepStrictEqual(paths, sitePaths(site))) {
      throw new RangeError(`expected the role ${name} to sign ${sitePaths(site)} only`)
    }
    if (keyIDs.length > limits.signatures) throw new RangeError(`expected at most ${limits.signatures} keys of ${name}`)
  }
}
