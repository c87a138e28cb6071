/** How a release is called where people read it. */

/** Its version, behind the site whose own it is: `7`, `berlin/3`. */
export function releaseName({ site, version }: { site?: string | undefined; version: number }): string {
  return site === undefined ? String(version) : `${site}/${version}`
}
