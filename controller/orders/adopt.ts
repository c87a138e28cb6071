/** The order that makes a running machine a device, over ssh. */

import type { z } from 'zod'
import { factsOf, planOf, rootOf } from '../adopt/look.ts'
import { Membership } from '../adopt/membership.ts'
import { Ssh } from '../adopt/ssh.ts'
import { takeSteps, undo } from '../adopt/steps.ts'
import { Target } from '../adopt/target.ts'
import type { AdoptedDevice, AdoptPlan, adoptOptions, adoptPlanOptions } from '../api/schemas/adopt.ts'
import { openProject } from '../project/project.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { requireOwnFleet } from './own-fleet.ts'

/** What is known of members decides whether a name is free. */
const newsSeconds = 3

export async function adopt(
  session: Session,
  options: z.output<typeof adoptOptions>,
  talk: Talk,
): Promise<AdoptedDevice> {
  const began = performance.now()
  const project = await openProject(options.project)
  requireOwnFleet(project, session)
  const ssh = await connected(options, talk)
  try {
    // The keys are opened before anything is done.
    await session.home.keys()
    const facts = await factsOf(ssh, talk.signal)
    const root = await rootOf(facts, given(options.sudoPassword))
    const target = await Target.over(ssh, root)
    const about = (name: string, site: string | null) => new Membership(session, project, { name, site })
    if (options.undo) {
      const { adopting, joined } = facts
      const membership = about(adopting ?? '', null)
      if (adopting !== undefined) await undo({ target, facts, membership, talk }, joined ?? '')
      return { ...nobody, name: adopting ?? '', undone: adopting !== undefined, seconds: secondsSince(began) }
    }
    const plan = await planOf(facts, project, options, await membersOf(session, talk))
    for (const warning of plan.warnings) talk.note(`Note: ${warning}`)
    const membership = about(plan.name, plan.site)
    const { peer, written } = await takeSteps({ target, facts, plan, session, membership, talk })
    const { name, config, site, resumes } = plan
    return { name, peer, config, site, written, resumed: resumes, undone: false, seconds: secondsSince(began) }
  } finally {
    ssh.close()
  }
}

/** The look of `adopt`, which changes nothing there and says whether the rest could be done. */
export async function planAdoption(
  session: Session,
  options: z.output<typeof adoptPlanOptions>,
  talk: Talk,
): Promise<AdoptPlan> {
  const project = await openProject(options.project)
  requireOwnFleet(project, session)
  const ssh = await connected(options, talk)
  try {
    const facts = await factsOf(ssh, talk.signal)
    await rootOf(facts, given(options.sudoPassword))
    const { steps, warnings, tags, ...plan } = await planOf(facts, project, options, await membersOf(session, talk))
    return { facts: { ...facts }, plan: { ...plan, steps: [...steps], warnings: [...warnings], tags: [...tags] } }
  } finally {
    ssh.close()
  }
}

type Connection = z.output<typeof adoptPlanOptions>

async function connected({ destination, sshOptions, control }: Connection, { signal }: Talk): Promise<Ssh> {
  if (control !== undefined) return Ssh.shared(control, { destination, sshOptions })
  return await Ssh.connect({ destination, sshOptions }, { asks: false, signal })
}

function given(password: string | undefined): (() => Promise<string>) | undefined {
  return password === undefined ? undefined : async () => password
}

async function membersOf(session: Session, { signal }: Talk): Promise<Map<string, string>> {
  await takeNews(session, () => {}, newsSeconds, undefined, signal)
  return new Map(session.peer.directory.certificates().map(({ name, peer }) => [name, peer]))
}

const nobody = { peer: null, config: null, site: null, written: [], resumed: false }

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 100) / 10
}
