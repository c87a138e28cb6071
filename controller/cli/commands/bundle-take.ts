/** `thymesh bundle take`: hands bundles to the daemon of this machine, for as long as they are needed. */

import { constants } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { askToTake } from '../../../node/carry/ask-daemon.ts'
import type { FeedEnd, FeedNews } from '../../../node/carry/feed-bundle.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { errorJson } from '../../format/error-json.ts'
import { size } from '../../format/table.ts'
import { daemonState } from '../shell/daemon-state.ts'
import { untilLeft } from '../shell/leaving.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'
import { Telling } from '../shell/telling.ts'
import { TakeHook } from './take-hook.ts'

export interface BundleTakeOptions extends GlobalOptions {
  files: string[]
  state?: string
  hook?: string
  stay: number
}

export async function bundleTake(options: BundleTakeOptions): Promise<number> {
  const state = options.state ?? (await daemonState())
  const hook = new TakeHook(options.hook)
  await hook.tell('seen')
  const taken = await untilLeft(left => takeAll(state, options, hook, left)).catch(async (thrown: unknown) => {
    await hook.tell('refused', errorJson(thrown).code)
    throw thrown
  })
  const lacks = taken.some(({ outcome }) => outcome === 'incomplete')
  await hook.tell(lacks ? 'incomplete' : 'done')
  const results = taken.map((end, i) => ({ file: options.files[i], ...end }))
  print(options, { taken: results }, results.map(({ file = '', ...end }) => inWords(file, end)).join('\n'))
  return lacks ? exitCodes.incomplete : exitCodes.done
}

/** The hook and the operator are told the sum of all bundles. */
async function takeAll(state: string, options: BundleTakeOptions, hook: TakeHook, left: AbortSignal) {
  const read = new Map<string, FeedNews>()
  const telling = new Telling(options)
  const step = options.files.length === 1 ? nameOf(options.files[0] ?? '') : `${options.files.length} bundles`
  const onNews = (file: string, news: FeedNews) => {
    if (!read.has(file)) telling.output(trustInWords[news.trust](news.release))
    read.set(file, news)
    const sum = (key: 'readBytes' | 'packBytes') => [...read.values()].reduce((total, each) => total + each[key], 0)
    const [done, of] = [Math.min(sum('readBytes'), sum('packBytes')), sum('packBytes')]
    telling.progress({ step, done, of, unit: 'bytes' })
    void hook.reading(sum('readBytes'), of)
  }
  const all = new AbortController()
  const signal = AbortSignal.any([left, all.signal])
  const takes = options.files.map(file => takeOne(file, state, options, signal, news => onNews(file, news)))
  try {
    return await Promise.all(takes)
  } finally {
    telling.end()
    // One that is refused ends the others, too.
    all.abort(new Error('another bundle was refused'))
    await Promise.allSettled(takes)
  }
}

async function takeOne(
  file: string,
  state: string,
  options: BundleTakeOptions,
  left: AbortSignal,
  onNews: (news: FeedNews) => void,
): Promise<FeedEnd> {
  const handle = file === '-' ? await spooled(state, left) : await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    // The daemon sees neither this process's folder nor, perhaps, its mounts; it sees what the process has open.
    const path = `/proc/${process.pid}/fd/${handle.fd}`
    return await askToTake(state, path, { quietSeconds: options.stay, onNews, signal: left })
  } catch (thrown) {
    throw left.aborted ? interrupted(file) : thrown
  } finally {
    await handle.close()
  }
}

const nameOf = (file: string) => (file === '-' ? 'Standard input' : file)

const trustInWords: Record<FeedNews['trust'], (release: number | null) => string> = {
  newer: release => `The bundle is verified: release ${release} is trusted now.`,
  same: release => `The bundle is verified: release ${release} was trusted already.`,
  older: release =>
    `The bundle is older than release ${release}, which stays trusted. Its chunks are used all the same.`,
  expired: release => `The bundle's metadata has expired. Its chunks are used for release ${release} all the same.`,
}

function inWords(file: string, { outcome, readBytes }: FeedEnd): string {
  const read = `${size(readBytes)} were read from ${file}`
  if (outcome === 'done') return `${read}. It is needed no longer, and may be removed.`
  return `${read}. This device still lacks something, or waits for its turn: bring the other volumes, or connect a neighbour.`
}

/** Standard input as a file without a name, which its end removes. */
async function spooled(state: string, signal: AbortSignal): Promise<FileHandle> {
  const file = join(state, `bundle-${process.pid}.spool`)
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  await rm(file)
  try {
    for await (const bytes of process.stdin) {
      signal.throwIfAborted()
      await handle.writeFile(bytes as Uint8Array)
    }
    return handle
  } catch (thrown) {
    await handle.close()
    throw thrown
  }
}

function interrupted(file: string): HintedError {
  return new HintedError('interrupted', `the bundle ${file} was not taken in whole`, {
    hint: 'Run the command again: what has arrived stays.',
  })
}
