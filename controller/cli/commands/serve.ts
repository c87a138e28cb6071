/** `thymesh serve`: a controller that stays in the mesh, and with --auto-update moves inputs on the project's schedule. */

import { once } from 'node:events'
import { join } from 'node:path'
import { Cron } from 'croner'
import { HintedError } from '../../../protocol/errors.ts'
import { workOf } from '../../api/orders.ts'
import { type AutoUpdated, autoUpdatedSchema } from '../../api/schemas/project-orders.ts'
import { openProject } from '../../project/project.ts'
import { autoUpdateLine } from '../../release/auto-update.ts'
import type { Session } from '../../session/session.ts'
import { requireOperator } from '../../session/viewer.ts'
import { resultOf } from '../shell/attach.ts'
import { withSession } from '../shell/context.ts'
import { untilLeft } from '../shell/leaving.ts'
import type { SessionApi } from '../shell/listen.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

export interface ServeOptions extends ProjectOptions {
  autoUpdate: boolean
  now: boolean
  /** Sends alerts, after the devices that can. */
  alerts: boolean
  /** A port of 127.0.0.1 on which the API answers too. */
  api?: number
}

export async function serve(options: ServeOptions): Promise<number> {
  const project = await openProject(options.project)
  const { autoUpdate: plan } = project
  if (options.autoUpdate && plan === undefined && !options.now) {
    throw new HintedError('no-schedule', 'expected "autoUpdate" in thymesh.json, found none', {
      hint: 'Such as: "autoUpdate": { "schedule": "0 3 * * 1", "timeZone": "Europe/Berlin" }',
    })
  }
  return await withSession(project, options, async (session, api) => {
    await session.peer.ownLog.stays('serve')
    const say = (text: string) => print(options, { at: new Date().toISOString(), text }, text)
    const run = async () => {
      const line = await autoUpdateLine(async () => await autoUpdateTask(session, api))
      say(line.text)
      return line.ok
    }
    if (options.now) return (await run()) ? exitCodes.done : exitCodes.failed
    if (options.alerts) {
      requireOperator(session)
      const folder = join(session.home.directory, 'alerts')
      await session.peer.sendAlerts({ folder })
      say(`This controller sends alerts, where no device does. What channels need is in ${folder}.`)
    }
    const { listenOnLoopback } = await import('../shell/listen.ts')
    const loopback = options.api === undefined ? undefined : await listenOnLoopback(session, api, options.api)
    if (loopback !== undefined) say(`The API answers at ${loopback.address}; the token is in ${loopback.tokenFile}.`)
    return await untilLeft(async left => {
      const job =
        options.autoUpdate && plan !== undefined
          ? new Cron(plan.schedule, { timezone: plan.timeZone, protect: true }, async () => {
              // Awaited: only so `protect` keeps a run from beginning while one is at work.
              await run()
            })
          : undefined
      say(
        job === undefined
          ? 'The controller is in the mesh.'
          : `The next auto-update is at ${job.nextRun()?.toISOString()}.`,
      )
      if (!left.aborted) await once(left, 'abort')
      job?.stop()
      return exitCodes.done
    }).finally(async () => {
      await loopback?.stop()
      await (await api.tasks())?.interrupt()
    })
  })
}

/** A task like one that a person orders: it is in the history, and can be cancelled. */
async function autoUpdateTask(session: Session, api: SessionApi): Promise<AutoUpdated> {
  const { tasks } = await api.load()
  const { id } = await tasks.start('auto-update', {}, workOf('auto-update', {}, session))
  return autoUpdatedSchema.parse(resultOf(await tasks.ended(id)))
}
