/** `thymesh bundle write`: the newest release as a file, for devices that no network reaches. */

import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { BundlePlan, ByteSink } from '../../../node/peer/controller-peer.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { size } from '../../format/table.ts'
import { streamContent } from '../../format/terminal.ts'
import { openProject } from '../../project/project.ts'
import type { Session } from '../../session/session.ts'
import { takeNews, withSession } from '../shell/context.ts'
import { untilLeft } from '../shell/leaving.ts'
import type { ReadOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'
import { Telling } from '../shell/telling.ts'

export interface BundleWriteOptions extends ReadOptions {
  /** `-` for standard output. */
  file: string
  site?: string | undefined
  since?: number
  volume?: number
}

interface WrittenFile {
  readonly file: string
  readonly bytes: number
  /** Bytes that an interrupted run had written. */
  readonly kept: number
}

export async function bundleWrite(options: BundleWriteOptions): Promise<undefined> {
  const streams = options.file === '-'
  if (streams && (options.json || options.volume !== undefined)) {
    throw new HintedError('one-stream', 'expected no --json and no --volume with -, which stands for standard output', {
      hint: 'Name a file instead of -.',
    })
  }
  const project = await openProject(options.project)
  return await withSession(project, options, async session => {
    const without = 'No peer is in reach: the bundle holds the last known release.'
    await takeNews(session, options, options.wait, without)
    const { bundles, state } = session.peer
    const plan = await bundles.plan({ site: options.site, since: options.since, volumeBytes: options.volume })
    const release = state.accepted?.release.version ?? null
    const written = await untilLeft(signal => {
      return streams ? writeStream(session, plan, options, signal) : writeFiles(session, plan, options, signal)
    })
    const bytes = written.reduce((sum, file) => sum + file.bytes, 0)
    const text = `Release ${release} for ${plan.configs.join(', ')}: ${size(bytes)} in ${written.map(({ file }) => file).join(', ')}`
    if (streams) note(options, text)
    else print(options, { release, configs: plan.configs, without: plan.without, files: written }, text)
    return undefined
  })
}

async function writeFiles(
  session: Session,
  plan: BundlePlan,
  options: BundleWriteOptions,
  left: AbortSignal,
): Promise<WrittenFile[]> {
  const { bundles, state } = session.peer
  const target = await targetOf(options.file, `release-${state.accepted?.release.version ?? 0}.thymesh`)
  const written: WrittenFile[] = []
  for (const [index, volume] of plan.volumes.entries()) {
    const number = index + 1
    const file = volumeName(target, number, plan.volumes.length)
    const telling = new Telling(options)
    const onProgress = (done: number) =>
      telling.progress({ step: basename(file), done, of: volume.bytes, unit: 'bytes' })
    const init = { number, site: options.site, now: new Date(), onProgress, signal: left }
    const { bytes, kept } = await bundles
      .writeFile(plan, file, init)
      .catch((thrown: unknown) => {
        throw left.aborted ? interrupted(file) : thrown
      })
      .finally(() => telling.end())
    if (kept > 0) note(options, `${size(kept)} were there from an interrupted run.`)
    written.push({ file, bytes, kept })
  }
  return written
}

async function writeStream(
  session: Session,
  plan: BundlePlan,
  options: BundleWriteOptions,
  signal: AbortSignal,
): Promise<WrittenFile[]> {
  const sink: ByteSink = {
    write: bytes => streamContent(bytes, signal),
  }
  const init = { number: 1, site: options.site, now: new Date(), signal }
  return [{ file: 'standard output', bytes: await session.peer.bundles.write(plan, sink, init), kept: 0 }]
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
