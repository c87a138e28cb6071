/** The order that rehearses a config: builds it, takes a throw-away machine through its update, and remembers a pass. */

import type { z } from 'zod'
import type { RehearsalPlan, Rehearsed, rehearseOptions } from '../api/schemas/rehearsal.ts'
import type { FleetHome } from '../fleet/fleet-home.ts'
import { declaredTarget, planRehearsal } from '../orders/rehearsal.ts'
import { rememberPass } from '../release/passed.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { rehearse, requireRehearsals } from './rehearse.ts'

export async function rehearseConfig(
  session: Session,
  { root, seconds, ...about }: z.output<typeof rehearseOptions>,
  talk: Talk,
): Promise<Rehearsed> {
  // Before a build of hours.
  await requireRehearsals(await declaredTarget(about.project ?? session.directory, about.config), root)
  const plan = await planRehearsal(session, about, talk)
  return await rehearsePlan(session.home, plan, { root, seconds }, talk)
}

/** What is left once it is built: also for a process that may do more than the controller which has built it. */
export async function rehearsePlan(
  home: FleetHome,
  plan: RehearsalPlan,
  { root, seconds }: { root: string | undefined; seconds: number | undefined },
  talk: Talk,
): Promise<Rehearsed> {
  const { config, device, from } = plan
  talk.step('Rehearsing')
  talk.note(
    from === null
      ? `Trying a first install of ${config} as ${device} …`
      : `Trying the update of ${config} from release ${from.release} as ${device} …`,
  )
  const of = stepsOf(plan)
  let done = 0
  const rehearsed = await rehearse(plan, {
    ...{ root, seconds, signal: talk.signal, onNote: talk.note },
    onStep: ({ step, ok, seconds }) => {
      talk.note(`  ${step}: ${ok ? 'ok' : 'failed'} (${seconds} s)`)
      done += 1
      talk.progress({ step: 'Rehearsing', done: Math.min(done, of), of, unit: 'items' })
    },
  })
  if (rehearsed.verdict === 'pass') await rememberPass(home, rehearsed, new Date())
  return rehearsed
}

/** A first install has no update and no way back. */
function stepsOf({ from }: Pick<RehearsalPlan, 'from'>): number {
  return from === null ? 5 : 7
}
