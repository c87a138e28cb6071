/** `thymesh bundle write`: the newest release as a file, for devices that no network reaches. */

import { createReadStream } from 'node:fs'
import { join, resolve } from 'node:path'
import { temporaryFolder } from '../../../node/files/temporary.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { size } from '../../format/table.ts'
import { streamContent } from '../../format/terminal.ts'
import { withoutPeers } from '../../orders/bundle.ts'
import { openProject, type Project } from '../../project/project.ts'
import { askIfRunning, withAccess } from '../shell/access.ts'
import { takeNews, withSession } from '../shell/context.ts'
import { untilLeft } from '../shell/leaving.ts'
import type { ReadOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'

export interface BundleWriteOptions extends ReadOptions {
  /** `-` for standard output. */
  file: string
  site?: string | undefined
  since?: number
  /** False for whole chunks only. */
  deltas: boolean
  volume?: number
}

export async function bundleWrite(options: BundleWriteOptions): Promise<undefined> {
  if (options.file === '-') return await writeStream(options)
  const { site, since, deltas, volume, wait } = options
  return await withAccess(options, async access => {
    const done = await access.order('write-bundle', { file: resolve(options.file), site, since, deltas, volume, wait })
    if (done === undefined) return undefined
    print(options, done, textOf(done.release, done.configs, done.files))
    return undefined
  })
}

/** Standard output is this process's: a bundle of another process goes through a file. */
async function writeStream(options: BundleWriteOptions): Promise<undefined> {
  if (options.json || options.volume !== undefined) {
    throw new HintedError('one-stream', 'expected no --json and no --volume with -, which stands for standard output', {
      hint: 'Name a file instead of -.',
    })
  }
  const project = await openProject(options.project)
  if ((await askIfRunning(project, 'root', {})) === undefined) return await streamHere(project, options)
  const { site, since, deltas, wait } = options
  const place = await temporaryFolder()
  try {
    const file = join(place.path, 'bundle.thymesh')
    return await withAccess(options, async access => {
      const done = await access.order('write-bundle', { file, site, since, deltas, wait })
      if (done === undefined) return undefined
      await untilLeft(async signal => {
        for await (const part of createReadStream(file)) await streamContent(part, signal)
      })
      const files = done.files.map(({ bytes }) => ({ file: 'standard output', bytes }))
      note(options, textOf(done.release, done.configs, files))
      return undefined
    })
  } finally {
    await place.remove()
  }
}

async function streamHere(project: Project, options: BundleWriteOptions): Promise<undefined> {
  return await withSession(project, options, async session => {
    await takeNews(session, options, options.wait, withoutPeers)
    const { bundles, state } = session.peer
    const plan = await bundles.plan({ site: options.site, since: options.since, deltas: options.deltas })
    const bytes = await untilLeft(async signal => {
      const init = { number: 1, site: options.site, now: new Date(), signal }
      return await bundles.write(plan, { write: part => streamContent(part, signal) }, init)
    })
    const release = state.accepted?.release.version ?? null
    note(options, textOf(release, plan.configs, [{ file: 'standard output', bytes }]))
    return undefined
  })
}

function textOf(
  release: number | null,
  configs: readonly string[],
  files: readonly { file: string; bytes: number }[],
): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  return `Release ${release} for ${configs.join(', ')}: ${size(bytes)} in ${files.map(({ file }) => file).join(', ')}`
}
