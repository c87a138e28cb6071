/** `thymesh deploy`: builds, signs and publishes a release, and shows how it reaches the devices. */

import { inForce, newestOf } from '../../../node/state/releases.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import { releaseName } from '../../format/release-name.ts'
import { requireSound } from '../../project/check.ts'
import { openProject, type Project } from '../../project/project.ts'
import { type ProjectTree, withCommittedTree } from '../../project/tree.ts'
import { emptyWaves, readRolloutPolicy } from '../../release/rollout-policy.ts'
import { takeNews, withSession } from '../shell/context.ts'
import { describeOptions } from '../shell/edit-project.ts'
import { newsSeconds } from '../shell/limits.ts'
import { note } from '../shell/output.ts'
import { checkWaitFor, watch } from '../shell/watch.ts'
import { devicesInForce, type ReleaseOptions, release } from './release.ts'

export interface DeployOptions extends ReleaseOptions {
  force: boolean
  /** A file with a rollout policy; false for all devices at once; nothing for what the project says. */
  rollout?: string | false
  allowMissingRecipients: boolean
}

export async function deploy(options: DeployOptions): Promise<number> {
  const project = await openProject(options.project)
  return await withCommittedTree(project, (tree, commit) => deployTree(project, tree, commit, options))
}

async function deployTree(
  project: Project,
  tree: ProjectTree,
  commit: string,
  options: DeployOptions,
): Promise<number> {
  const home = new FleetHome(project.fleet)
  const [{ store }] = await Promise.all([home.settings(), home.keys(), home.nixKey()])
  const rollout = typeof options.rollout === 'string' ? await readRolloutPolicy(options.rollout) : undefined
  const checked = await requireSound(tree, await describeOptions(project))
  return await withSession(project, options, async session => {
    const { peer } = session
    const { prepareRelease } = await import('../../release/make-release.ts')
    const { content, same } = await prepareRelease(session, {
      ...{ tree, checked, commit, store },
      message: options.message ?? '',
      site: options.site,
      force: options.force,
      rollout: options.rollout === undefined ? 'project' : rollout,
      allowMissingRecipients: options.allowMissingRecipients,
      note: text => note(options, text),
      news: takeNews(session, options, newsSeconds, 'No peer is in reach yet.'),
      look: devices => checkWaitFor(options.waitFor, devicesInForce(session, { devices, site: options.site })),
    })
    // Devices may take a day, which the copy need not wait for.
    await tree.remove()
    if (same !== undefined) {
      note(options, `Nothing to deploy: release ${releaseName(same)} is this already. (--force makes a new one.)`)
      return await watch(session, same, options)
    }
    const { site } = options
    const version = (newestOf(peer.state.accepted, site)?.version ?? 0) + 1
    const next = { ...content, fleet: peer.fleet, version, ...(site !== undefined && { site }) }
    const counting = inForce(next, peer.state.accepted, peer.directory.certificates())
    for (const line of emptyWaves(counting)) note(options, `Note: ${line}.`)
    return await release(session, content, options)
  })
}
