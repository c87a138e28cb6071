/** The image that the machine of a rehearsal of a NixOS config starts from: of what devices run now, or of the config itself. */

import { join } from 'node:path'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import { buildImage } from '../build/nix.ts'
import { tellBuild } from '../build/progress.ts'
import { BuildError } from '../nix/nix-program.ts'
import { runGit } from '../project/git.ts'
import type { Project } from '../project/project.ts'
import { type ProjectTree, withTree } from '../project/tree.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'

export interface TrialImageInit {
  readonly session: Pick<Session, 'home'>
  readonly project: Project
  /** The config as it is now. */
  readonly tree: ProjectTree
  readonly config: string
  /** The release that devices run, and the commit that it was built from. */
  readonly from: { readonly release: number; readonly commit: string | undefined } | null
}

/** Builds it; gives its start script. Throws a BuildError, or says why no machine of this computer boots such a config. */
export async function trialImage(init: TrialImageInit, talk: Talk): Promise<string> {
  const { project, tree, config, from } = init
  talk.step('Building its image')
  const commit = from?.commit
  if (from !== null && commit !== undefined && (await hasCommit(project, commit))) {
    try {
      return await withTree(project, earlier => build(init, earlier, talk), { commit })
    } catch (thrown) {
      // An input of then may be gone, or the config may have had another type.
      if (!(thrown instanceof BuildError) && !(thrown instanceof HintedError && thrown.code === 'try-target'))
        throw thrown
      talk.detail(messageOf(thrown))
    }
  }
  if (from !== null) {
    talk.note(
      `The image of release ${from.release} can't be built here: its machine starts with ${config} as it is now, and gets release ${from.release} first.`,
    )
  }
  return await build(init, tree, talk)
}

async function build({ session, config }: TrialImageInit, tree: ProjectTree, talk: Talk): Promise<string> {
  const { onStart, onActivity } = tellBuild(talk)
  onStart(`the image of ${config}`)
  const link = join(session.home.rootsDirectory('try'), `${config}.image`)
  const told = { signal: talk.signal, onActivity: onActivity.bind(undefined, `the image of ${config}`) }
  const place = await buildImage(tree, { config, format: 'vm', link }, told).catch(thrown => {
    if (!(thrown instanceof BuildError) || !/does not provide attribute|attribute 'vm' missing/.test(thrown.message))
      throw thrown
    throw new HintedError(
      'try-target',
      `${config} has no image for QEMU: its device type makes none of the format vm`,
      {
        hint: 'Let one device be the first wave. Or try the same modules in a config of the type virtual-machine.',
        cause: thrown,
      },
    )
  })
  return `${place}/bin/run-${config}-vm`
}

async function hasCommit({ directory }: Project, commit: string): Promise<boolean> {
  return (await runGit(directory, ['cat-file', '-e', `${commit}^{commit}`])).code === 0
}
