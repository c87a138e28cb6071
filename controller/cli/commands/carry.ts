/** `thymesh carry out` and `in`: a device's reports, history and logs, on a stick to the operators. */

import { constants } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { askForOutbox } from '../../../node/carry/ask-daemon.ts'
import { replaceFile, syncDirectory } from '../../../node/files/durable-file.ts'
import type { TakenOutbox } from '../../../node/peer/controller-peer.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import { size } from '../../format/table.ts'
import { openProject } from '../../project/project.ts'
import { withSession } from '../shell/context.ts'
import { daemonState } from '../shell/daemon-state.ts'
import type { GlobalOptions, ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

/** The folder on a stick. */
const folder = 'thymesh-outbox'
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
  const directory = join(options.directory, folder)
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
  const project = await openProject(options.project)
  const files = (await Promise.all(options.paths.map(outboxesAt))).flat()
  return await withSession(project, options, async session => {
    const taken: (Omit<TakenOutbox, 'logs'> & { file: string; logs: string[] })[] = []
    for (const file of files) {
      const { logs, ...outbox } = await session.peer.takeOutbox(await boundedFile(file))
      const place = join(session.home.directory, 'carried', outbox.device)
      if (logs.length > 0) await mkdir(place, { recursive: true, mode: 0o700 })
      const kept = logs.map(({ hash, text }) => ({ name: join(place, `${hash}.log`), text }))
      for (const { name, text } of kept) await replaceFile(name, text)
      taken.push({ file, ...outbox, logs: kept.map(({ name }) => name) })
    }
    print(options, { taken }, taken.map(inWords).join('\n'))
    return undefined
  })
}

function inWords({
  file,
  device,
  created,
  reports,
  history,
  logs,
}: Omit<TakenOutbox, 'logs'> & { file: string; logs: string[] }) {
  const when = created === null ? '' : ` of ${created}`
  const first = `${basename(file)}: ${device}${when}: ${reports} new reports, ${history} new entries of its history`
  return [first, ...logs.map(log => `  log of a failed activation: ${log}`)].join('\n')
}

/** An outbox, or all on a stick. */
async function outboxesAt(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path]
  const directory = basename(path) === folder ? path : join(path, folder)
  const names = await readdir(directory).catch(() => [])
  const files = names.filter(name => name.endsWith('.age')).sort()
  if (files.length > 0) return files.map(name => join(directory, name))
  throw new HintedError('no-outbox', `expected outboxes in ${directory}, got none`, {
    hint: 'Name a stick on which `thymesh carry out` has written, or a file.',
  })
}

async function boundedFile(file: string): Promise<Uint8Array> {
  const { size: bytes } = await stat(file)
  if (bytes <= limits.outbox + limits.activationLog) return await readFile(file)
  throw new HintedError(
    'no-outbox',
    `expected an outbox of at most ${size(limits.outbox)}, got ${size(bytes)}: ${file}`,
    {
      hint: 'Name the file of an outbox.',
    },
  )
}
