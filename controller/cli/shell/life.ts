/** What the commands about the life of a device share: their options, and how they say what was done. */

import type { Submitted } from '../../api/schemas/orders.ts'
import { releaseName } from '../../format/release-name.ts'
import type { Access } from './access.ts'
import type { ReadOptions } from './options.ts'

export interface ChangeOptions extends ReadOptions {
  message?: string
  trustClock: boolean
  /** Commit the edited files. */
  commit: boolean
}

/** Whether another peer has the release that was just signed. */
export async function spread(access: Access): Promise<boolean> {
  return (await access.order('spread', {}))?.heard === true
}

export function releaseText(release: Submitted | null): string | undefined {
  if (release === null) return undefined
  const name = releaseName({ version: release.release, site: release.site })
  return release.published
    ? `  Release ${name} says so.`
    : `  Release ${name} waits for signatures: thymesh approve ${name}`
}

/** What is left to the operator after files of the project were edited. */
export function nextStep(done: {
  written: readonly string[]
  commit: string | null
  commitError: string | null
}): string | undefined {
  if (done.written.length === 0) return undefined
  const files = `  Edited: ${done.written.join(', ')}`
  if (done.commit !== null) return `${files} (commit ${done.commit.slice(0, 9)}).`
  const why = done.commitError === null ? '' : ` (Git refused: ${done.commitError})`
  return `${files}${why}. Commit it before the next deploy.`
}
