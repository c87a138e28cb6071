/** The extension of a report that lists the extensions of releases that its device understands. */

import type { Extensions } from '../encoding/extensions.ts'
import { understoodExtensions } from '../release/understood.ts'
import type { Report } from './report.ts'

const name = 'understands'

/** What of bundles a device reads beside `thymesh-bundle/1` as it was first. */
const readsName = 'reads'
const bundleDeltas = 'bundle-deltas'

/** What a device of this version says in its reports. */
export const ownExtensions: Extensions = { [name]: [...understoodExtensions], [readsName]: [bundleDeltas] }

/** Whether a device reads bundles with deltas; one of the version before refuses them. */
export function readsDeltas({ extensions }: Pick<Report, 'extensions'>): boolean {
  const names = extensions?.[readsName]
  return Array.isArray(names) && names.includes(bundleDeltas)
}

/** The extensions that a device understands; none for a device of the version before. */
export function understoodBy({ extensions }: Pick<Report, 'extensions'>): readonly string[] {
  const names = extensions?.[name]
  return Array.isArray(names) ? names.filter(each => typeof each === 'string') : []
}
