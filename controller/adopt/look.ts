/** The look before an adoption: facts of the machine, what the project declares, and the plan that follows from both. */

import { readProjectFiles } from '../project/files.ts'
import type { Project } from '../project/project.ts'
import { AdoptError } from './adopt-error.ts'
import { type Facts, parseFacts } from './facts.ts'
import { packageFor } from './package-file.ts'
import { makePlan, type Plan, type Wishes } from './plan.ts'
import type { Ssh } from './ssh.ts'
import { type Root, Target } from './target.ts'

export async function factsOf(ssh: Ssh, signal?: AbortSignal): Promise<Facts> {
  return parseFacts(await (await Target.over(ssh, 'root')).ask('facts', signal))
}

/** How root is reached there; `password` is asked for only where sudo asks. Throws an AdoptError. */
export async function rootOf({ root, user }: Facts, password: (() => Promise<string>) | undefined): Promise<Root> {
  if (root === 'yes') return 'root'
  if (root === 'sudo') return 'sudo'
  if (root === 'none') {
    throw new AdoptError('sudo-refused', `expected root or a user with sudo, got ${user}, and there is no sudo`, {
      hint: 'Connect as root: thymesh adopt root@HOST.',
    })
  }
  if (password !== undefined) return { password: await password() }
  throw new AdoptError('sudo-asks', `sudo asks for a password there, for ${user}`, {
    hint: 'Give --ask-sudo to type it here, or connect as root. It is sent over ssh, and kept nowhere.',
  })
}

export async function planOf(
  facts: Facts,
  project: Project,
  wishes: Wishes & { package?: string | undefined },
  members: ReadonlyMap<string, string>,
): Promise<Plan> {
  const { configs, devices } = await readProjectFiles(project.directory)
  const declared = {
    fleet: project.fleet,
    configs: [...configs.keys()],
    devices: new Map(
      [...devices].flatMap(([name, { content }]) =>
        content === undefined ? [] : [[name, { config: content.config, site: content.site }] as const],
      ),
    ),
    members,
  }
  return await makePlan(facts, wishes, declared, architecture => packageFor(architecture, wishes.package), new Date())
}
