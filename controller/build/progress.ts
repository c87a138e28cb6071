/** How far the builds of configs are, as a task tells it: lines, progress, and the tree of what Nix does. */

import type { Progress, TaskActivity } from '../api/schemas/task.ts'
import type { NixActivity } from '../nix/nix-activity.ts'
import type { Talk } from '../tasks/talk.ts'
import type { BuildConfigsOptions } from './build-configs.ts'

/** What `buildConfigs` calls, for a task that tells it. */
export function tellBuild(talk: Talk): Required<Pick<BuildConfigsOptions, 'onStart' | 'onNote' | 'onActivity'>> {
  const builds = new Map<string, { started: number; activity: NixActivity | undefined }>()
  talk.activities(() => [...builds].flatMap(([name, { started, activity }]) => activitiesOf(name, started, activity)))
  return {
    onStart: (name, device) => {
      builds.set(name, { started: Date.now(), activity: undefined })
      talk.note(device === undefined ? `Building ${name} …` : `Building ${name} on ${device} …`)
    },
    onNote: talk.note,
    onActivity: (name, activity, said) => {
      const build = builds.get(name)
      if (build !== undefined) build.activity = activity
      talk.progress(buildProgress(name, activity))
      for (const line of said) talk.detail(line)
    },
  }
}

function buildProgress(config: string, activity: NixActivity): Progress | undefined {
  const { progress } = activity
  if (progress === undefined) return undefined
  const { names, ...counts } = progress
  return { step: `Building ${config}${names.length > 0 ? `: ${names.join(', ')}` : ''}`, ...counts }
}

/** The config, and below it what is built and fetched for it. */
function activitiesOf(config: string, started: number, activity: NixActivity | undefined): TaskActivity[] {
  const { done = 0, of = 0 } = activity?.built ?? {}
  const own = `config ${config}`
  const whole: TaskActivity = {
    ...{ id: own, parent: null, name: config, kind: 'config', phase: null, done, of },
    started: new Date(started).toISOString(),
  }
  const below = (activity?.running ?? []).map(
    ({ id, parent, name, kind, phase, started: since, ...bytes }): TaskActivity => ({
      ...{ id: `${config} ${id}`, parent: parent === 0 ? own : `${config} ${parent}`, name, kind },
      ...{ phase: phase ?? null, done: bytes.done, of: bytes.of, started: new Date(since).toISOString() },
    }),
  )
  return [whole, ...below]
}
