/** `thymesh adopt`: makes a running machine a device, over ssh, after a plan to say yes to. */

import { resolve } from 'node:path'
import type { Facts } from '../../adopt/facts.ts'
import { factsOf, planOf, rootOf } from '../../adopt/look.ts'
import type { Plan } from '../../adopt/plan.ts'
import { Ssh } from '../../adopt/ssh.ts'
import { prompt } from '../../keys/passphrase.ts'
import { openProject, type Project } from '../../project/project.ts'
import { withAccess } from '../shell/access.ts'
import { confirm } from '../shell/confirm.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'

export interface AdoptCommandOptions extends ProjectOptions {
  destination: string
  sshOption: string[]
  name?: string
  config?: string
  site?: string
  tag: string[]
  package?: string
  nix: 'apt' | 'keep'
  setClock: boolean
  askSudo: boolean
  plan: boolean
  undo: boolean
  yes: boolean
}

export async function adopt(options: AdoptCommandOptions): Promise<undefined> {
  const project = await openProject(options.project)
  const about = { destination: options.destination, sshOptions: options.sshOption }
  const ssh = await Ssh.connect(about, { asks: true, say: line => note(options, line) })
  let goesOn = false
  try {
    const facts = await factsOf(ssh)
    if (options.plan) {
      const plan = await planFor(facts, project, options)
      print(options, { facts, plan }, planText(facts, plan, options))
      return undefined
    }
    const root = await rootOf(
      facts,
      options.askSudo ? () => prompt(`Password of ${facts.user} for sudo there: `) : undefined,
    )
    if (!options.undo) {
      const plan = await planFor(facts, project, options)
      note(options, planText(facts, plan, options))
      if (!(await confirm(options, 'Do this?'))) {
        print(options, { adopted: false }, 'Nothing was done.')
        return undefined
      }
    }
    const sudoPassword = typeof root === 'object' ? root.password : undefined
    goesOn = !(await order(project, ssh, sudoPassword, options))
  } finally {
    if (goesOn) ssh.leave()
    else ssh.close()
  }
  return undefined
}

/** Whether the task has ended. */
async function order(
  project: Project,
  ssh: Ssh,
  sudoPassword: string | undefined,
  options: AdoptCommandOptions,
): Promise<boolean> {
  return await withAccess(options, async access => {
    const done = await access.order('adopt', {
      project: project.directory,
      destination: options.destination,
      sshOptions: options.sshOption,
      control: ssh.control,
      ...wishesOf(options),
      undo: options.undo,
      ...(sudoPassword !== undefined && { sudoPassword }),
    })
    if (done === undefined) return false
    const next = done.written.length === 0 ? 'thymesh deploy' : `git commit -m 'Add ${done.name}', then thymesh deploy`
    const undone = done.undone ? `The adoption of ${done.name} is undone.` : 'There was nothing to undo.'
    const adopted = `${done.name} is a device of the fleet, after ${done.seconds} s.\nNext: ${next}`
    print(options, done, options.undo ? undone : adopted)
    return true
  })
}

function wishesOf(options: AdoptCommandOptions) {
  const { name, config, site, nix, setClock, tag: tags } = options
  const file = options.package === undefined ? undefined : resolve(options.package)
  return { name, config, site, tags, nix, setClock, package: file }
}

async function planFor(facts: Facts, project: Project, options: AdoptCommandOptions): Promise<Plan> {
  return await planOf(facts, project, wishesOf(options), new Map())
}

function planText(facts: Facts, plan: Plan, { destination }: AdoptCommandOptions): string {
  const nix = facts.nix === '' ? 'no Nix' : `Nix ${facts.nix}`
  const verb = plan.resumes ? 'Go on with the adoption of' : 'Adopt'
  return [
    `${verb} ${destination}: ${facts.system || facts.os} (${facts.machine}), ${nix}, as ${plan.name}.`,
    ...plan.steps.map((step, index) => `  ${index + 1}. ${step}`),
    ...plan.warnings.map(warning => `  Note: ${warning}`),
    'Nothing else there is changed until you deploy; a failure is undone.',
  ].join('\n')
}
