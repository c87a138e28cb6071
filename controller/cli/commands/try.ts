/** `thymesh try`: rehearses a config's update on a throw-away machine, before anything is signed. */

import { resolve } from 'node:path'
import { whoRuns } from '../../api/client.ts'
import { type Rehearsed, rehearsedSchema } from '../../api/schemas/rehearsal.ts'
import { socketFile } from '../../api/socket.ts'
import { table } from '../../format/table.ts'
import { type Access, withAccess } from '../shell/access.ts'
import { resultOf, workHere } from '../shell/attach.ts'
import { isForeign, requireOwnersController } from '../shell/foreign-home.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

export interface TryOptions extends ProjectOptions {
  config: string
  /** A release; false for a first install. */
  from?: number | false
  device?: string
  root?: string
  timeout?: number
}

export async function tryConfig(options: TryOptions): Promise<number> {
  const root = options.root === undefined ? undefined : resolve(options.root)
  const { requireRehearsals } = await import('../../rehearsal/rehearse.ts')
  const { declaredTarget } = await import('../../orders/rehearsal.ts')
  // Before a build of hours.
  await requireRehearsals(await declaredTarget(options.project, options.config), root)
  return await withAccess(options, async access => {
    const { home } = access
    await requireOwnersController(home.directory, () => whoRuns(socketFile(home.stateDirectory)))
    const rehearsed = await rehearsal(access, options, root)
    if (rehearsed === undefined) return exitCodes.failed
    print(options, rehearsed, textOf(rehearsed))
    return rehearsed.verdict === 'pass' ? exitCodes.done : exitCodes.failed
  })
}

/** A task of the fleet's controller; where that is another user's, it only builds, and the rest is ours, who may boot a machine. */
async function rehearsal(
  access: Access,
  options: TryOptions,
  root: string | undefined,
): Promise<Rehearsed | undefined> {
  const { config, from, device, timeout: seconds } = options
  const about = { project: resolve(options.project), config, from, device }
  if (!(await isForeign(access.home.directory)) && (await access.takesOrder('rehearse'))) {
    return await access.order('rehearse', { ...about, root, seconds })
  }
  const plan = await access.order('plan-rehearsal', about)
  if (plan === undefined) return undefined
  const { rehearsePlan } = await import('../../rehearsal/order.ts')
  const ended = await workHere(
    'rehearse',
    about,
    async talk => await rehearsePlan(access.home, plan, { root, seconds }, talk),
    options,
  )
  return ended === 'left' ? undefined : rehearsedSchema.parse(resultOf(ended))
}

function textOf({ config, from, steps, verdict, seconds }: Rehearsed): string {
  const rows = steps.map(({ step, ok, seconds: each, said }) => [
    step,
    ok ? 'ok' : 'FAILED',
    `${each} s`,
    said.split('\n')[0] ?? '',
  ])
  const failed = steps.find(({ ok }) => !ok)
  const reason = failed?.said.includes('\n') ? `\n\n${failed.said}` : ''
  const what = from === null ? 'a first install' : `the update from release ${from.release}`
  return `${table(['STEP', 'VERDICT', 'TIME', 'SEEN'], rows)}${reason}\n\n${config}, ${what}: ${verdict} in ${seconds} s`
}
