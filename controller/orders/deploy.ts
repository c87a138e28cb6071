/** The order that builds the project's last commit, and signs and publishes it as a release. */

import type { z } from 'zod'
import { inForce, newestOf } from '../../node/state/releases.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { deployOptions, Submitted } from '../api/schemas/orders.ts'
import { releaseName } from '../format/release-name.ts'
import { describeOptions } from '../inputs/describe-options.ts'
import { requireSound } from '../project/check.ts'
import { openProject, type Project } from '../project/project.ts'
import { type ProjectTree, withCommittedTree } from '../project/tree.ts'
import { prepareRelease } from '../release/make-release.ts'
import { emptyWaves } from '../release/rollout-policy.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { checkWaitFor, newsSeconds, noPeerYet, submitRelease, submitted } from './submit-release.ts'

type DeployOptions = z.output<typeof deployOptions>

export async function deploy(session: Session, options: DeployOptions, talk: Talk): Promise<Submitted> {
  const project = await openProject(options.project)
  if (project.fleet !== session.peer.fleet) {
    throw new HintedError('other-fleet', `expected a project of this controller's fleet, got one of ${project.fleet}`, {
      hint: 'Ask the controller of that fleet.',
    })
  }
  return await withCommittedTree(project, (tree, commit) => deployTree(session, project, tree, commit, options, talk))
}

async function deployTree(
  session: Session,
  project: Project,
  tree: ProjectTree,
  commit: string,
  options: DeployOptions,
  talk: Talk,
): Promise<Submitted> {
  const { peer, home } = session
  const { site, force, allowMissingRecipients, message = '' } = options
  // What is missing here is said before a build of hours.
  const [{ store }] = await Promise.all([home.settings(), home.keys(), home.nixKey()])
  const checked = await requireSound(tree, await describeOptions(project))
  talk.signal.throwIfAborted()
  const { content, same } = await prepareRelease(session, {
    ...{ tree, checked, commit, store, message, site, force, allowMissingRecipients },
    rollout: options.rollout ?? undefined,
    talk,
    news: takeNews(session, talk.note, newsSeconds, noPeerYet, talk.signal),
    look: devices => checkWaitFor(session, options, devices),
  })
  if (same !== undefined) {
    talk.note(`Nothing to deploy: release ${releaseName(same)} is this already. (--force makes a new one.)`)
    return submitted(same, { published: true, proposal: null, same: true })
  }
  const version = (newestOf(peer.state.accepted, site)?.version ?? 0) + 1
  const next = { ...content, fleet: peer.fleet, version, ...(site !== undefined && { site }) }
  const counting = inForce(next, peer.state.accepted, peer.directory.certificates())
  for (const line of emptyWaves(counting)) talk.note(`Note: ${line}.`)
  return await submitRelease(session, async () => content, options, talk)
}
