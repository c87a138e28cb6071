/** `thymesh why NAME`: why a device doesn't run what it should, by what this controller or this device knows. */

import { askForFacts } from '../../../node/carry/ask-daemon.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import { openProject, ProjectError } from '../../project/project.ts'
import { whyOf } from '../../queries/why.ts'
import { show, textOf } from '../shell/access.ts'
import { daemonState } from '../shell/daemon-state.ts'
import type { ReadOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface WhyOptions extends ReadOptions {
  name?: string
  /** The state of the daemon that is asked in place of a controller. */
  state?: string
}

export async function why(options: WhyOptions): Promise<undefined> {
  const { name, state } = options
  const missing = name === undefined || state !== undefined ? undefined : await projectIsMissing(options)
  if (name !== undefined && state === undefined && missing === undefined) return await show('why', options, { name })
  const facts = await askForFacts(state ?? (await daemonState()), name).catch((thrown: unknown) => {
    // A laptop outside of its project is likelier than a device without a daemon.
    throw missing !== undefined && thrown instanceof ThymeshError && thrown.code === 'no-daemon' ? missing : thrown
  })
  const answer = whyOf(facts)
  print(options, answer, await textOf('why', answer))
  return undefined
}

/** Without a project, this is a device: its daemon knows as much of the fleet as a controller. */
async function projectIsMissing({ project }: WhyOptions): Promise<ProjectError | undefined> {
  try {
    await openProject(project)
    return undefined
  } catch (thrown) {
    if (thrown instanceof ProjectError && thrown.code === 'not-found') return thrown
    throw thrown
  }
}
