/** `thymesh carry out` and `in`: a device's reports, history and logs, on a stick to the operators. */

import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { askForOutbox } from '../../../node/carry/ask-daemon.ts'
import { syncDirectory } from '../../../node/files/durable-file.ts'
import { HintedError } from '../../../protocol/errors.ts'
import type { Taken } from '../../api/schemas/project-orders.ts'
import { size } from '../../format/table.ts'
import { outboxFolder } from '../../orders/carry-in.ts'
import { withAccess } from '../shell/access.ts'
import { daemonState } from '../shell/daemon-state.ts'
import type { GlobalOptions, ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

/** Outboxes of one device on a stick: each one holds all of its history. */
const keptOutboxes = 4

export interface CarryOutOptions extends GlobalOptions {
  directory: string
  state?: string
}

export interface CarryInOptions extends ProjectOptions {
  paths: string[]
}

export async function carryOut(options: CarryOutOptions): Promise<undefined> {
  const directory = join(options.directory, outboxFolder)
  await mkdir(directory, { recursive: true })
  const { bavail, bsize } = await statfs(directory)
  const free = bavail * bsize
  const draft = join(directory, `${process.pid}.part`)
  const handle = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644)
  try {
    const state = options.state ?? (await daemonState())
    const { device, bytes } = await askForOutbox(state, `/proc/${process.pid}/fd/${handle.fd}`)
    if (bytes > free / 4) throw tooFull(bytes, free)
    const own = await numbersOf(directory, device)
    const file = join(directory, `${device}-${(own.at(-1) ?? 0) + 1}.age`)
    await rename(draft, file)
    await syncDirectory(directory)
    for (const number of own.slice(0, Math.max(0, own.length + 1 - keptOutboxes))) {
      await rm(join(directory, `${device}-${number}.age`), { force: true })
    }
    print(options, { file, bytes }, `${size(bytes)} for the operators are in ${file}`)
    return undefined
  } finally {
    await handle.close()
    await rm(draft, { force: true })
  }
}

/** The numbers of a device's outboxes, ascending. */
async function numbersOf(directory: string, device: string): Promise<number[]> {
  const own = (await readdir(directory)).flatMap(name => {
    const [, of, number] = /^(.+)-(\d{1,9})\.age$/.exec(name) ?? []
    return of === device ? [Number(number)] : []
  })
  return own.sort((a, b) => a - b)
}

function tooFull(bytes: number, free: number): HintedError {
  return new HintedError('disk-full', `expected four times ${size(bytes)} of free space, got ${size(free)}`, {
    hint: 'Remove files from the stick, or use a larger one.',
  })
}

export async function carryIn(options: CarryInOptions): Promise<undefined> {
  return await withAccess(options, async access => {
    const done = await access.order('carry-in', { paths: options.paths.map(path => resolve(path)) })
    if (done !== undefined) print(options, done, done.taken.map(inWords).join('\n'))
    return undefined
  })
}

function inWords({ file, device, created, reports, history, logs }: Taken) {
  const when = created === null ? '' : ` of ${created}`
  const first = `${basename(file)}: ${device}${when}: ${reports} new reports, ${history} new entries of its history`
  return [first, ...logs.map(log => `  log of a failed activation: ${log}`)].join('\n')
}
