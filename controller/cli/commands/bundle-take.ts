/** `thymesh bundle take`: hands bundles to the daemon of this machine, for as long as they are needed. */

import { constants } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { z } from 'zod'
import { bundlesTakenSchema } from '../../api/schemas/project-orders.ts'
import { errorJson } from '../../format/error-json.ts'
import { size } from '../../format/table.ts'
import { type OpenBundle, openBundle, takeBundles } from '../../orders/take-bundle.ts'
import { findProject } from '../../project/project.ts'
import { withAccess } from '../shell/access.ts'
import { resultOf, workHere } from '../shell/attach.ts'
import { daemonState } from '../shell/daemon-state.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'
import { TakeHook } from './take-hook.ts'

export interface BundleTakeOptions extends ProjectOptions {
  files: string[]
  state?: string
  hook?: string
  stay: number
}

type Taken = z.infer<typeof bundlesTakenSchema>['taken']

export async function bundleTake(options: BundleTakeOptions): Promise<number> {
  const state = resolve(options.state ?? (await daemonState()))
  const taken = await takeWhereItBelongs(state, options)
  if (taken === undefined) return exitCodes.failed
  const results = taken.map((end, i) => ({ ...end, file: options.files[i] ?? end.file }))
  print(options, { taken: results }, results.map(inWords).join('\n'))
  return lacking(taken) ? exitCodes.incomplete : exitCodes.done
}

/** In a project a task of the controller that runs; elsewhere, and where it takes standard input or a hook, of this process. */
async function takeWhereItBelongs(state: string, options: BundleTakeOptions): Promise<Taken | undefined> {
  const { files, hook, stay } = options
  const own = hook !== undefined || files.includes('-')
  // Devices have no project, and a broken one is no reason to refuse a stick.
  const project = own ? undefined : await findProject(options.project).catch(() => undefined)
  if (project === undefined) return await takeHere(state, options)
  return await withAccess(options, async access => {
    const about = { files: files.map(file => resolve(file)), state, stay }
    return (await access.orderAnywhere('take-bundle', about))?.taken
  })
}

/** The hook is told the sum of all bundles. */
async function takeHere(state: string, options: BundleTakeOptions): Promise<Taken | undefined> {
  const { files, stay } = options
  const hook = new TakeHook(options.hook)
  await hook.tell('seen')
  const init = {
    ...{ state, stay },
    open: (file: string, signal: AbortSignal) => (file === '-' ? spooled(state, signal) : openBundle(file)),
    onRead: (done: number, of: number) => void hook.reading(done, of),
  }
  try {
    const about = { files, state, stay }
    const ended = await workHere('take-bundle', about, async talk => await takeBundles(files, init, talk), options)
    if (ended === 'left') return undefined
    const { taken } = bundlesTakenSchema.parse(resultOf(ended))
    await hook.tell(lacking(taken) ? 'incomplete' : 'done')
    return taken
  } catch (thrown) {
    await hook.tell('refused', errorJson(thrown).code)
    throw thrown
  }
}

const lacking = (taken: Taken) => taken.some(({ outcome }) => outcome === 'incomplete')

function inWords({ file, outcome, readBytes }: Taken[number]): string {
  const read = `${size(readBytes)} were read from ${file}`
  if (outcome === 'done') return `${read}. It is needed no longer, and may be removed.`
  return `${read}. This device still lacks something: bring the other volumes, or connect a neighbour.`
}

/** Standard input as a file without a name, which its end removes. */
async function spooled(state: string, signal: AbortSignal): Promise<OpenBundle> {
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
