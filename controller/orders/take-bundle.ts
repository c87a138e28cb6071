/** The order that hands bundles to the daemon of this machine, for as long as they are needed; it needs no project. */

import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import type { z } from 'zod'
import { askToTake } from '../../node/carry/ask-daemon.ts'
import type { FeedEnd, FeedNews } from '../../node/carry/feed-bundle.ts'
import type { bundlesTakenSchema, takeBundleOptions } from '../api/schemas/project-orders.ts'
import type { Talk } from '../tasks/talk.ts'
import type { Place } from './order.ts'

/** One bundle, open in this process. */
export interface OpenBundle {
  readonly fd: number
  close(): Promise<void>
}

export interface TakeInit {
  /** The daemon's state directory. */
  readonly state: string
  /** Seconds without need after which a bundle is detached. */
  readonly stay: number
  /** Opens a bundle by its name. */
  readonly open: (file: string, signal: AbortSignal) => Promise<OpenBundle>
  /** Bytes that are read of all bundles, and bytes that they have. */
  readonly onRead?: (done: number, of: number) => void
}

export async function takeBundle(
  _: Place,
  { files, state, stay }: z.output<typeof takeBundleOptions>,
  talk: Talk,
): Promise<z.infer<typeof bundlesTakenSchema>> {
  return await takeBundles(files, { state, stay, open: openBundle }, talk)
}

/** Reading a device or a pipe must not hang in the opening of it. */
export async function openBundle(file: string): Promise<OpenBundle> {
  return await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
}

/** All at once, since volumes need each other; who watches is told their sum. Throws the daemon's errors. */
export async function takeBundles(
  files: readonly string[],
  init: TakeInit,
  talk: Talk,
): Promise<z.infer<typeof bundlesTakenSchema>> {
  const [only = ''] = files
  const name = only === '-' ? 'standard input' : basename(only)
  const step = files.length === 1 ? `Taking ${name}` : `Taking ${files.length} bundles`
  talk.step(step)
  const read = new Map<string, FeedNews>()
  const onNews = (file: string, news: FeedNews) => {
    if (!read.has(file)) talk.note(trustInWords[news.trust](news.release))
    read.set(file, news)
    const sum = (key: 'readBytes' | 'packBytes') => [...read.values()].reduce((total, each) => total + each[key], 0)
    const of = sum('packBytes')
    const done = Math.min(sum('readBytes'), of)
    talk.progress({ step, done, of, unit: 'bytes' })
    init.onRead?.(done, of)
  }
  const all = new AbortController()
  const signal = AbortSignal.any([talk.signal, all.signal])
  const takes = files.map(async file => {
    const end = await takeOne(file, init, signal, news => onNews(file, news))
    return { file, ...end }
  })
  try {
    return { taken: await Promise.all(takes) }
  } finally {
    talk.progress(undefined)
    // One that is refused ends the others, too.
    all.abort(new Error('another bundle was refused'))
    await Promise.allSettled(takes)
  }
}

async function takeOne(
  file: string,
  { state, stay, open }: TakeInit,
  signal: AbortSignal,
  onNews: (news: FeedNews) => void,
): Promise<FeedEnd> {
  const bundle = await open(file, signal)
  try {
    // The daemon sees neither this process's folder nor, perhaps, its mounts; it sees what the process has open.
    const path = `/proc/${process.pid}/fd/${bundle.fd}`
    return await askToTake(state, path, { quietSeconds: stay, onNews, signal })
  } finally {
    await bundle.close()
  }
}

const trustInWords: Record<FeedNews['trust'], (release: number | null) => string> = {
  newer: release => `The bundle is verified: release ${release} is trusted now.`,
  same: release => `The bundle is verified: release ${release} was trusted already.`,
  older: release =>
    `The bundle is older than release ${release}, which stays trusted. Its chunks are used all the same.`,
  expired: release => `The bundle's metadata has expired. Its chunks are used for release ${release} all the same.`,
}
