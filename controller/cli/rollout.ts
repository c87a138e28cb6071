/** `thymesh rollout`: the waves of the newest release, how far each is, and why it waits. */

import { setTimeout as sleep } from 'node:timers/promises'
import { newestOf } from '../../node/state/releases.ts'
import { ThymeshError } from '../../protocol/errors.ts'
import type { Release } from '../../protocol/release.ts'
import { openProject } from '../project/project.ts'
import type { Session } from '../session.ts'
import { noSiteRelease } from '../sites.ts'
import { rolloutText } from '../view/waves.ts'
import { viewWaves, type WaveView } from '../waves-view.ts'
import { takeNews, withSession } from './context.ts'
import type { ProjectOptions } from './options.ts'
import { print } from './output.ts'

interface RolloutOptions extends ProjectOptions {
  wait: number
  watch: boolean
  site?: string
}

/** How often a watched rollout is drawn: times that are left go down by seconds. */
const redrawMs = 1_000

export async function rollout(options: RolloutOptions): Promise<undefined> {
  const project = await openProject(options.project)
  return await withSession(project, options, session => show(session, options))
}

async function show(session: Session, options: RolloutOptions): Promise<undefined> {
  await takeNews(session, options, options.wait)
  const { site } = options
  const release = releaseOf(session, site)
  if (options.watch && !options.json) return await keepShowing(session, site)
  const waves = viewWaves(session.peer, release)
  print(options, rolloutJson(release, waves), rolloutText(release, waves))
  return undefined
}

export function rolloutJson(release: Release, waves: WaveView[]): object {
  return {
    release: release.version,
    ...(release.site !== undefined && { site: release.site }),
    promotes: release.promotes ?? null,
    policy: release.rollout ?? null,
    complete: waves.every(({ state }) => state === 'confirmed' || state === 'empty'),
    waves,
  }
}

/** Draws it anew until the rollout is over or the operator leaves. */
async function keepShowing(session: Session, site: string | undefined): Promise<undefined> {
  const leave = new AbortController()
  const onSignal = () => leave.abort()
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  let drawn = ''
  try {
    while (!leave.signal.aborted) {
      const release = releaseOf(session, site)
      const waves = viewWaves(session.peer, release)
      const text = rolloutText(release, waves)
      const lines = drawn.split('\n').length
      if (process.stdout.isTTY) process.stdout.write(`${drawn === '' ? '' : `\x1b[${lines}A\x1b[J`}${text}\n`)
      else if (text !== drawn) process.stdout.write(`${drawn === '' ? '' : '\n'}${text}\n`)
      drawn = text
      if (waves.every(({ state }) => state === 'confirmed' || state === 'empty')) return undefined
      await sleep(redrawMs, undefined, { signal: leave.signal }).catch(() => {})
    }
    return undefined
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

function releaseOf({ peer }: Session, site: string | undefined): Release {
  const release = newestOf(peer.state.belief, site)
  if (release !== undefined) return release
  if (site === undefined) {
    throw new ThymeshError('no-release', 'this controller has no release yet', { hint: 'Make one: `thymesh deploy`.' })
  }
  throw noSiteRelease(peer, site)
}
