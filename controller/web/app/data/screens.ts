/** Which devices have a screen that a grant of access lets somebody see, and as whom. */

import type { GrantRow } from '../../../api/schemas/access.ts'

export interface GrantedScreen {
  readonly device: string
  readonly user: string
  /** Whether some grant allows to type there too. */
  readonly control: boolean
}

/** The grants of this controller's operator come first: the keys of the others are not here. */
export function grantedScreens(grants: readonly GrantRow[], operator?: string): GrantedScreen[] {
  const own = screensOf(grants.filter(grant => grant.operator === operator))
  const all = new Map([...screensOf(grants), ...own])
  return [...all.values()].sort((a, b) => a.device.localeCompare(b.device, 'en', { numeric: true }))
}

function screensOf(grants: readonly GrantRow[]): Map<string, GrantedScreen> {
  const found = new Map<string, GrantedScreen>()
  for (const { counts, users, may, expired } of grants) {
    const control = may.includes('screen:control')
    if (expired || !(control || may.includes('screen'))) continue
    for (const device of counts) {
      const before = found.get(device)
      // As whom who controls is: then one user has both.
      if (before === undefined || (control && !before.control)) {
        found.set(device, { device, user: users[0] ?? 'root', control })
      }
    }
  }
  return found
}
