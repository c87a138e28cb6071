/** Auto-update: inputs move on a schedule; what checks and builds is committed and released, all else changes nothing. */

import { messageOf } from '../../protocol/errors.ts'
import type { AutoUpdated } from '../api/schemas/project-orders.ts'
import { buildConfigs } from '../build/build-configs.ts'
import { tellBuild } from '../build/progress.ts'
import { lockFile, type Moved } from '../inputs/lock.ts'
import { commitLock, findMoves, type MovedLock } from '../inputs/move.ts'
import { requireSound, type SoundProject } from '../project/check.ts'
import { ProjectEdit } from '../project/edit.ts'
import type { DescribeOptions } from '../project/modules.ts'
import type { Project } from '../project/project.ts'
import { type ProjectTree, withCommittedTree, withTree } from '../project/tree.ts'
import { withFleetBuilders } from '../session/fleet-builders.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { prepareRelease } from './make-release.ts'
import { requirePassed } from './passed.ts'
import { submitChange } from './releasing.ts'

/** Once: throws what went wrong, and the project is as it was. Devices that are away get it when they come. */
export async function autoUpdate(
  session: Session,
  project: Project,
  options: DescribeOptions & { talk: Talk },
): Promise<AutoUpdated> {
  const { text, moved, sound } = await soundMoves(session, project, options)
  if (sound === undefined) return { moved: [...moved], release: null }
  await commitMoves(project, text, moved)
  const prepared = await withCommittedTree(
    project,
    async (tree, commit) =>
      await prepareRelease(session, {
        // A hook may have changed what is committed.
        ...{ tree, checked: tree.hash() === sound.hash ? sound.checked : await requireSound(tree, options), commit },
        message: `update of ${moved.map(({ name }) => name).join(', ')}`,
        force: false,
        rollout: 'project',
        allowMissingRecipients: true,
        store: options.store,
        talk: options.talk,
        news: Promise.resolve(),
      }),
  )
  if (prepared.same !== undefined) return { moved: [...moved], release: null }
  const { content } = prepared
  const operator = { signers: await session.home.operatorKeys.signers(), now: new Date(), trustClock: false }
  const change = { content, message: content.message }
  const outcome = await session.signing.run(() => submitChange(session, change, operator))
  const released = outcome.kind === 'published' ? outcome.release.version : outcome.verified.release?.version
  return { moved: [...moved], release: released ?? null }
}

/** The newest versions, when the project checks and builds with them. All of it happens in copies of the last commit. */
async function soundMoves(
  session: Session,
  project: Project,
  options: DescribeOptions & { talk: Talk },
): Promise<SoundMoves> {
  const inputs = project.autoUpdate?.inputs ?? []
  const [found, commit] = await withCommittedTree(
    project,
    async (tree, commit) => [await findMoves(project, tree, inputs, options.store), commit] as const,
  )
  if (found.moved.length === 0) return found
  const build = async (tree: ProjectTree) => {
    const checked = await requireSound(tree, options)
    const { store } = options
    const building = { rootsDirectory: session.home.rootsDirectory('next'), store, ...tellBuild(options.talk) }
    const built = await withFleetBuilders(
      { session: async () => session, isRunning: true, store },
      checked.fleet,
      builders => buildConfigs(tree, Object.keys(checked.fleet.configs), { ...building, builders }),
    )
    if (project.tryBeforeSigning) {
      const used = new Set(Object.values(checked.fleet.devices).map(({ config }) => config))
      const configs = Object.entries(checked.fleet.configs).flatMap(([name, { target, system }]) =>
        used.has(name) ? [[name, { target, system, topLevel: built.get(name) ?? '' }] as const] : [],
      )
      const current = session.peer.state.accepted?.release
      await requirePassed(session.home, current, Object.fromEntries(configs), project.tryBeforeSigning)
    }
    return { checked, hash: tree.hash() }
  }
  return { ...found, sound: await withTree(project, build, { commit, changed: { [lockFile]: found.text } }) }
}

interface SoundMoves extends MovedLock {
  /** The tree with the new lock, when there is one. */
  readonly sound?: { readonly checked: SoundProject; readonly hash: string }
}

/** Writes flake.lock and commits it; when Git refuses, such as by a hook, the file and the index are as they were. */
async function commitMoves({ directory }: Project, text: string, moved: readonly Moved[]): Promise<void> {
  const edit = new ProjectEdit(directory)
  const before = await edit.readBytes(lockFile)
  await edit.write(lockFile, text)
  await edit.save()
  try {
    await commitLock(directory, moved)
  } catch (thrown) {
    const undo = new ProjectEdit(directory)
    if (before === undefined) await undo.remove(lockFile)
    else await undo.write(lockFile, before)
    await undo.save()
    throw thrown
  }
}

/** The outcome of one run, in a line. */
export async function autoUpdateLine(run: () => Promise<AutoUpdated>): Promise<{ ok: boolean; text: string }> {
  try {
    const { moved, release } = await run()
    if (moved.length === 0) return { ok: true, text: 'auto-update: all inputs are at their newest' }
    const words = moved.map(({ name, to }) => `${name} ${to}`).join(', ')
    return {
      ok: true,
      text: `auto-update: ${words}; ${release === null ? 'no device changes' : `release ${release}`}`,
    }
  } catch (thrown) {
    return { ok: false, text: `auto-update failed, nothing was changed: ${messageOf(thrown)}` }
  }
}
