/** The order that builds the project's last commit, and signs and publishes it as a release. */

import type { z } from 'zod'
import { inForce, newestOf } from '../../node/state/releases.ts'
import type { deployOptions, Submitted } from '../api/schemas/orders.ts'
import { releaseName } from '../format/release-name.ts'
import { describeOptions } from '../inputs/describe-options.ts'
import { requireSound } from '../project/check.ts'
import { openProject, type Project } from '../project/project.ts'
import { type ProjectTree, withCommittedTree } from '../project/tree.ts'
import { type PreparedRelease, prepareRelease } from '../release/make-release.ts'
import { requirePassed } from '../release/passed.ts'
import { emptyWaves } from '../release/rollout-policy.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { requireOwnFleet } from './own-fleet.ts'
import { checkWaitFor, newsSeconds, noPeerYet, submitRelease, submitted } from './submit-release.ts'

type DeployOptions = z.output<typeof deployOptions>

export async function deploy(session: Session, options: DeployOptions, talk: Talk): Promise<Submitted> {
  return await prepared(session, options, talk, (ready, project) => submit(session, project, ready, options, talk))
}

/** Builds and describes the project's last commit, and works with what is ready to be signed. */
export async function prepared<T>(
  session: Session,
  options: DeployOptions,
  talk: Talk,
  work: (ready: PreparedRelease, project: Project) => Promise<T>,
): Promise<T> {
  const project = await openProject(options.project ?? session.directory)
  requireOwnFleet(project, session)
  return await withCommittedTree(project, async (tree, commit) => {
    return await work(await prepareTree(session, project, tree, commit, options, talk), project)
  })
}

async function prepareTree(
  session: Session,
  project: Project,
  tree: ProjectTree,
  commit: string,
  options: DeployOptions,
  talk: Talk,
): Promise<PreparedRelease> {
  const { home } = session
  const { site, force, allowMissingRecipients, message = '' } = options
  // What is missing here is said before a build of hours.
  const [{ store }] = await Promise.all([home.settings(), home.keys(), home.nixKey()])
  // While the project is checked: its errors are told first.
  const news = takeNews(session, talk.note, newsSeconds, noPeerYet, talk.signal)
  news.catch(() => {})
  talk.step('Checking the project')
  const checked = await requireSound(tree, { ...(await describeOptions(project)), signal: talk.signal })
  talk.signal.throwIfAborted()
  return await prepareRelease(session, {
    ...{ tree, checked, commit, store, message, site, force, allowMissingRecipients },
    rollout: options.rollout ?? undefined,
    talk,
    news,
    look: devices => checkWaitFor(session, options, devices),
  })
}

async function submit(
  session: Session,
  project: Project,
  { content, same }: PreparedRelease,
  options: DeployOptions,
  talk: Talk,
): Promise<Submitted> {
  const { peer, home } = session
  const { site } = options
  if (same !== undefined) {
    talk.note(`Nothing to deploy: release ${releaseName(same)} is this already. (--force makes a new one.)`)
    return submitted(same, { published: true, proposal: null, same: true })
  }
  if (project.tryBeforeSigning) {
    const current = newestOf(peer.state.accepted, site)
    const untried = await requirePassed(home, current, content.configs, project.tryBeforeSigning)
    if (untried.length > 0) talk.note(`Note: no rehearsal is demanded of ${untried.join(', ')}: their target is nixos.`)
  }
  const version = (newestOf(peer.state.accepted, site)?.version ?? 0) + 1
  const next = { ...content, fleet: peer.fleet, version, ...(site !== undefined && { site }) }
  const counting = inForce(next, peer.state.accepted, peer.directory.certificates())
  for (const line of emptyWaves(counting)) talk.note(`Note: ${line}.`)
  return await submitRelease(session, async () => content, options, talk)
}
