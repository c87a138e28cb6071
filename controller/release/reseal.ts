/** The secrets of a release in force, encrypted to the devices that are members now; nothing is built. */

import { isDeepStrictEqual } from 'node:util'
import { bindConfig, bindingsOf, withBindings } from '../../protocol/release/binding.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { describeOptions } from '../inputs/describe-options.ts'
import { requireSound } from '../project/check.ts'
import type { DeclaredFleet } from '../project/declared-fleet.ts'
import { openProject } from '../project/project.ts'
import { withTree } from '../project/tree.ts'
import { operatorIdentity } from '../secrets/operator-identity.ts'
import { deviceRecipients, releaseSecrets } from '../secrets/release.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'

export interface Resealed {
  readonly content: ReleaseContent
  /** Configs whose secrets are others now. */
  readonly changed: string[]
}

/**
 * `content` is to be the next release after `current`: its configs' secrets, as the commit has them that the release was built
 * from. A config that this commit doesn't declare keeps what it has.
 */
export async function resealed(
  session: Session,
  current: Release,
  content: ReleaseContent,
  talk: Talk,
): Promise<Resealed> {
  const names = Object.keys(content.configs).filter(name => content.configs[name]?.secrets !== undefined)
  const { commit } = content
  if (names.length === 0) return { content, changed: [] }
  if (commit === undefined) {
    talk.note('The release names no commit: deploy, and secrets are encrypted to the devices that are members now.')
    return { content, changed: [] }
  }
  const { home, peer } = session
  const nixKey = await home.nixKey()
  const project = await openProject(session.directory)
  talk.step('Encrypting secrets')
  return await withTree(
    project,
    async tree => {
      const checked = await requireSound(tree, { ...(await describeOptions(project)), signal: talk.signal })
      // Names as they are now: devices may be called otherwise since, or be gone.
      const declared: DeclaredFleet = {
        ...checked.fleet,
        devices: Object.fromEntries(
          Object.entries(content.devices).map(([name, { config }]) => [name, { config, tags: [] }]),
        ),
      }
      const recipients = await deviceRecipients(session)
      const directory = await tree.folder()
      const identity = () => operatorIdentity(home)
      const configs = { ...content.configs }
      const bindings = { ...bindingsOf(content) }
      const changed: string[] = []
      for (const name of names) {
        const before = configs[name]
        if (before === undefined || checked.fleet.configs[name] === undefined) {
          talk.note(`The secrets of ${name} stay as they are: ${commit.slice(0, 9)} doesn't declare it.`)
          continue
        }
        const secrets = await releaseSecrets({ peer, recipients, directory, checked, identity }, declared, name)
        if (isDeepStrictEqual(secrets, before.secrets)) continue
        const { secrets: _, ...rest } = before
        const next = { ...rest, ...(Object.keys(secrets).length > 0 && { secrets }) }
        configs[name] = next
        bindings[name] = [bindConfig({ fleet: peer.fleet, site: current.site }, next, nixKey)]
        changed.push(name)
      }
      return { content: { ...content, configs, extensions: withBindings(content.extensions, bindings) }, changed }
    },
    { commit },
  )
}
