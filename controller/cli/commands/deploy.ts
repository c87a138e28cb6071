/** `thymesh deploy`: builds, signs and publishes a release, and shows how it reaches the devices. */

import { openProject } from '../../project/project.ts'
import { readRolloutPolicy } from '../../release/rollout-policy.ts'
import { planText } from '../../views/plan.ts'
import { withAccess } from '../shell/access.ts'
import { exitCodes, print } from '../shell/output.ts'
import { type ReleaseOptions, release } from './release.ts'

export interface DeployOptions extends ReleaseOptions {
  force: boolean
  /** A file with a rollout policy; false for all devices at once; nothing for what the project says. */
  rollout?: string | false
  allowMissingRecipients: boolean
  /** Only say what it would cost each site. */
  plan: boolean
}

export async function deploy(options: DeployOptions): Promise<number> {
  const { directory } = await openProject(options.project)
  const { force, allowMissingRecipients } = options
  const rollout = await rolloutOf(options)
  if (options.plan) {
    return await withAccess(options, async access => {
      const { site, waitFor } = options
      const planned = await access.order('plan', {
        project: directory,
        force,
        allowMissingRecipients,
        rollout,
        site,
        waitFor,
      })
      if (planned !== undefined) print(options, planned, planText(planned))
      return exitCodes.done
    })
  }
  return await withAccess(options, access =>
    release(access, 'deploy', { project: directory, force, allowMissingRecipients, rollout }, options),
  )
}

async function rolloutOf({ rollout = 'project' }: { rollout?: string | false }) {
  if (rollout === false) return null
  return rollout === 'project' ? 'project' : await readRolloutPolicy(rollout)
}
