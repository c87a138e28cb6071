/** The plan of a release as text: a row for each site, then what a stick would do better. */

import { inWords } from '../../node/rollout/decision.ts'
import type { Planned, SitePlan } from '../api/schemas/orders.ts'
import { releaseName } from '../format/release-name.ts'
import { size, table } from '../format/table.ts'

export function planText({ release, site, same, sites }: Planned): string {
  const name = releaseName({ site, version: release })
  const heading = same ? `Release ${name} is this already; for devices that lack it:` : `It would be release ${name}.`
  const rows = sites.map(each => [
    each.site ?? '-',
    String(each.devices),
    size(each.bytes),
    size(each.wire),
    timeText(each),
    each.stick ? 'a stick' : 'the mesh',
  ])
  const sticks = sites
    .filter(({ stick }) => stick)
    .map(each => `A stick is better for ${each.site}: after the deploy, thymesh bundle write FILE --for ${each.site}`)
  const unknown = sites
    .filter(each => each.unknown > 0)
    .map(
      each =>
        `${each.unknown} of ${each.devices} devices ${each.site === null ? 'without a site' : `of ${each.site}`} have not joined.`,
    )
  const lines = [...sticks, ...unknown]
  const heads = ['SITE', 'DEVICES', 'NEW', 'AT MOST ON THE WIRE', 'TIME', 'BY']
  return [heading, '', table(heads, rows), ...(lines.length > 0 ? ['', ...lines] : [])].join('\n')
}

function timeText({ seconds, bytesPerDay }: SitePlan): string {
  if (seconds === null) return 'unknown'
  const time = seconds === 0 ? '-' : inWords(seconds * 1000)
  return bytesPerDay === null ? time : `${time} (${size(bytesPerDay)} a day)`
}
