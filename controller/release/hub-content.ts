/** The hubs that a release names: those of the project, and in a rollback those of the release before. */

import { type Hubs, hubsOf, withHubs } from '../../protocol/release/hubs.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'

/** A release's content with the hubs of a project. */
export function hubContent(
  content: ReleaseContent,
  { hubs = {} }: { readonly hubs?: Hubs | undefined },
): ReleaseContent {
  const { extensions: before, ...rest } = content
  const extensions = withHubs(before, hubs)
  return { ...rest, ...(extensions && { extensions }) }
}

/** Whether two releases name the same hubs. */
export function sameHubs(one: Pick<Release, 'extensions'>, other: Pick<Release, 'extensions'>): boolean {
  const text = (of: Pick<Release, 'extensions'>) => JSON.stringify(Object.entries(hubsOf(of) ?? {}).sort())
  return text(one) === text(other)
}
