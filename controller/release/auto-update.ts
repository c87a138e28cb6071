/** Auto-update: inputs move on a schedule; what checks and builds is committed and released, all else changes nothing. */

import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../protocol/errors.ts'
import { buildConfigs } from '../build/build-configs.ts'
import type { Moved } from '../inputs/lock.ts'
import { commitLock, moveInputs } from '../inputs/move.ts'
import { requireSound, type SoundProject } from '../project/check.ts'
import { cleanCommit } from '../project/git.ts'
import type { DescribeOptions } from '../project/modules.ts'
import type { Project } from '../project/project.ts'
import type { Session } from '../session/session.ts'
import { prepareRelease } from './make-release.ts'
import { submitChange } from './releasing.ts'

export interface AutoUpdated {
  /** What moved; nothing when all was at its newest. */
  readonly moved: readonly Moved[]
  /** The release that was made, or proposed to the other operators. */
  readonly release: number | undefined
}

/** Once: throws what went wrong, and the project is as it was. Devices that are away get it when they come. */
export async function autoUpdate(
  session: Session,
  project: Project,
  options: DescribeOptions & { note: (text: string) => void },
): Promise<AutoUpdated> {
  const { directory } = project
  await cleanCommit(project)
  const file = join(directory, 'flake.lock')
  const before = await readFile(file).catch(() => undefined)
  let moved: Moved[]
  let checked: SoundProject
  try {
    moved = await moveInputs(project, project.autoUpdate?.inputs ?? [])
    if (moved.length === 0) return { moved, release: undefined }
    checked = await requireSound(project, options)
    await buildConfigs(project, Object.keys(checked.fleet.configs), {
      rootsDirectory: session.home.rootsDirectory('next'),
      store: options.store,
    })
    await commitLock(directory, moved)
  } catch (thrown) {
    if (before === undefined) await rm(file, { force: true })
    else await writeFile(file, before)
    throw thrown
  }
  const { content, same } = await prepareRelease(session, {
    project,
    checked,
    commit: await cleanCommit(project),
    message: `update of ${moved.map(({ name }) => name).join(', ')}`,
    force: false,
    rollout: 'project',
    allowMissingRecipients: true,
    store: options.store,
    note: options.note,
    news: Promise.resolve(),
  })
  if (same !== undefined) return { moved, release: undefined }
  const operator = { signers: await session.home.operatorKeys.signers(), now: new Date(), trustClock: false }
  const outcome = await submitChange(session, { content, message: content.message }, operator)
  const released = outcome.kind === 'published' ? outcome.release.version : outcome.judged.release?.version
  return { moved, release: released }
}

/** What one run came to, in a line. */
export async function autoUpdateLine(run: () => Promise<AutoUpdated>): Promise<{ ok: boolean; text: string }> {
  try {
    const { moved, release } = await run()
    if (moved.length === 0) return { ok: true, text: 'auto-update: all inputs are at their newest' }
    const words = moved.map(({ name, to }) => `${name} ${to}`).join(', ')
    return {
      ok: true,
      text: `auto-update: ${words}; ${release === undefined ? 'no device changes' : `release ${release}`}`,
    }
  } catch (thrown) {
    return { ok: false, text: `auto-update failed, nothing was changed: ${messageOf(thrown)}` }
  }
}
