/** `thymesh rollout`: the waves of the newest release, how far each is, and why it waits. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { MeshPeer } from '../../../node/peer/mesh-peer.ts'
import { newestOf } from '../../../node/state/releases.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import type { Release } from '../../../protocol/release/release.ts'
import { viewWaves, type WaveView } from '../../queries/waves.ts'
import { noSiteRelease } from '../../signing/sites.ts'
import { rolloutText } from '../../views/rollout.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'
import type { Query } from '../shell/questions.ts'
import { type Reader, show, withReader } from '../shell/reader.ts'

interface RolloutOptions extends ProjectOptions {
  wait: number
  watch: boolean
  site?: string
}

/** How often a watched rollout is drawn: times that are left go down by seconds. */
const redrawMs = 1_000

export async function rollout(options: RolloutOptions): Promise<undefined> {
  const about = options.site === undefined ? {} : { site: options.site }
  if (!options.watch) return await show('rollout', options, about)
  return await withReader(options, reader => keepShowing(reader, options, about))
}

export const rolloutQuery: Query<{ site?: string | undefined }> = async ({ peer }, { site }) => {
  const release = releaseOf(peer, site)
  const waves = viewWaves(peer, release)
  return { json: rolloutJson(release, waves), text: rolloutText(release, waves) }
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

/** Draws it anew until the rollout is over or the operator leaves; with --json its end is all that is printed. */
async function keepShowing(reader: Reader, options: RolloutOptions, about: { site?: string }): Promise<undefined> {
  const leave = new AbortController()
  const onSignal = () => leave.abort()
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  let drawn = ''
  try {
    for (;;) {
      const { json, text } = await reader.ask('rollout', about, drawn === '' ? options.wait : 0)
      const over = leave.signal.aborted || ('complete' in json && json.complete === true)
      if (options.json) {
        if (over) print(options, json, text)
      } else draw(drawn, text)
      drawn = text
      if (over) return undefined
      await sleep(redrawMs, undefined, { signal: leave.signal }).catch(() => {})
    }
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

/** In place on a terminal; elsewhere what is other than before. */
function draw(before: string, text: string): void {
  const lines = before.split('\n').length
  if (process.stdout.isTTY) process.stdout.write(`${before === '' ? '' : `\x1b[${lines}A\x1b[J`}${text}\n`)
  else if (text !== before) process.stdout.write(`${before === '' ? '' : '\n'}${text}\n`)
}

function releaseOf(peer: MeshPeer, site: string | undefined): Release {
  const release = newestOf(peer.state.belief, site)
  if (release !== undefined) return release
  if (site === undefined) {
    throw new ThymeshError('no-release', 'this controller has no release yet', { hint: 'Make one: `thymesh deploy`.' })
  }
  throw noSiteRelease(peer, site)
}
