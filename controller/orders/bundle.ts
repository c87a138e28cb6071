/** The order that writes the newest release into files, for devices that no network reaches. */

import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { z } from 'zod'
import { HintedError } from '../../protocol/errors.ts'
import type { bundleOptions, bundleWrittenSchema } from '../api/schemas/project-orders.ts'
import { size } from '../format/table.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'

export const withoutPeers = 'No peer is in reach: the bundle holds the last known release.'

export async function writeBundle(
  session: Session,
  { file: named, site, since, deltas, volume, wait }: z.output<typeof bundleOptions>,
  talk: Talk,
): Promise<z.infer<typeof bundleWrittenSchema>> {
  await takeNews(session, talk.note, wait, withoutPeers, talk.signal)
  const { bundles, state } = session.peer
  talk.step('Planning')
  const plan = await bundles.plan({ site, since, deltas, volumeBytes: volume })
  const release = state.accepted?.release.version ?? null
  const target = await targetOf(named, `release-${release ?? 0}.thymesh`)
  const files: z.infer<typeof bundleWrittenSchema>['files'] = []
  for (const [index, { bytes: of }] of plan.volumes.entries()) {
    const number = index + 1
    const file = volumeName(target, number, plan.volumes.length)
    talk.step(`Writing ${basename(file)}`)
    const onProgress = (done: number) => talk.progress({ step: basename(file), done, of, unit: 'bytes' })
    const init = { number, site, now: new Date(), onProgress, signal: talk.signal }
    const { bytes, kept } = await bundles.writeFile(plan, file, init).catch((thrown: unknown) => {
      throw talk.signal.aborted ? interrupted(file) : thrown
    })
    talk.progress(undefined)
    if (kept > 0) talk.note(`${size(kept)} were there from an interrupted run.`)
    files.push({ file, bytes, kept })
  }
  return { release, configs: [...plan.configs], without: [...plan.without], files }
}

/** A file in a folder if a folder is named. */
async function targetOf(file: string, name: string): Promise<string> {
  const there = await stat(file).catch(() => undefined)
  return there?.isDirectory() ? join(file, name) : file
}

/** `news.thymesh` becomes `news.1of3.thymesh`. */
function volumeName(file: string, number: number, volumes: number): string {
  if (volumes === 1) return file
  const stem = file.replace(/\.thymesh$/, '')
  return `${stem}.${number}of${volumes}.thymesh`
}

function interrupted(file: string): HintedError {
  return new HintedError('interrupted', `the bundle ${file} is not complete`, {
    hint: 'Run the same command again: it continues where it ended.',
  })
}
