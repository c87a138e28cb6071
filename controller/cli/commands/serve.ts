/** `thymesh serve`: a controller that stays in the mesh, and with --auto-update moves inputs on the project's schedule. */

import { once } from 'node:events'
import { Cron } from 'croner'
import { HintedError } from '../../../protocol/errors.ts'
import { describeOptions } from '../../inputs/describe-options.ts'
import { openProject } from '../../project/project.ts'
import { autoUpdate, autoUpdateLine } from '../../release/auto-update.ts'
import type { Talk } from '../../tasks/talk.ts'
import { withSession } from '../shell/context.ts'
import { untilLeft } from '../shell/leaving.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

export interface ServeOptions extends ProjectOptions {
  autoUpdate: boolean
  now: boolean
  /** A port of 127.0.0.1 on which the API answers too. */
  api?: number
}

/** Nobody watches an auto-update: its one line says what came of it. */
const silent: Talk = { note: () => {}, detail: () => {}, progress: () => {}, signal: new AbortController().signal }

export async function serve(options: ServeOptions): Promise<number> {
  const project = await openProject(options.project)
  const { autoUpdate: plan } = project
  if (options.autoUpdate && plan === undefined && !options.now) {
    throw new HintedError('no-schedule', 'expected "autoUpdate" in thymesh.json, found none', {
      hint: 'Such as: "autoUpdate": { "schedule": "0 3 * * 1", "timeZone": "Europe/Berlin" }',
    })
  }
  return await withSession(project, options, async (session, api) => {
    const say = (text: string) => print(options, { at: new Date().toISOString(), text }, text)
    // Read anew each time: a person may have changed the project meanwhile.
    const run = async () => {
      const line = await autoUpdateLine(async () => {
        const open = await openProject(options.project)
        return await autoUpdate(session, open, { ...(await describeOptions(open)), talk: silent })
      })
      say(line.text)
      return line.ok
    }
    if (options.now) return (await run()) ? exitCodes.done : exitCodes.failed
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
