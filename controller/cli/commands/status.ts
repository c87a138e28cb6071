/** `thymesh status`: what every device runs and how it is. */

import { findProject } from '../../project/project.ts'
import { type Access, textOf, withAccess } from '../shell/access.ts'
import { type DeviceFilter, filteredDevices, isFiltered } from '../shell/chosen-devices.ts'
import { Drawing } from '../shell/draw.ts'
import { untilLeft } from '../shell/leaving.ts'
import { agesMs } from '../shell/limits.ts'
import type { ReadOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface StatusOptions extends ReadOptions, DeviceFilter {
  watch: boolean
  /** What is about to fail, in place of what runs. */
  risk: boolean
  /** Of a daemon of this machine, which is asked instead. */
  state?: string
}

export async function status(options: StatusOptions): Promise<undefined> {
  // A daemon knows no others than its neighbours, and their reports only.
  const isOfFleet = options.risk || isFiltered(options)
  if (options.state !== undefined || !(isOfFleet || (await findProject(options.project)) !== undefined)) {
    const { showDevice } = await import('./device-status.ts')
    if (await showDevice(options)) return undefined
  }
  return await withAccess(options, async access => {
    if (options.watch) return await keepShowing(access, options)
    const { answer, text } = await ask(access, options, options.wait)
    print(options, answer, text)
    return undefined
  })
}

/** The answer with the devices that were asked for, and its text. */
async function ask(access: Access, options: StatusOptions, wait: number): Promise<{ answer: object; text: string }> {
  const name = options.risk ? 'risks' : 'status'
  const whole = await access.ask(name, {}, wait)
  if (!isFiltered(options)) return { answer: whole, text: await textOf(name, whole) }
  const devices = filteredDevices<(typeof whole.devices)[number]>(whole.devices, options)
  const answer = { ...whole, devices } as typeof whole
  const count = `${devices.length} of ${whole.devices.length} devices.`
  return { answer, text: devices.length === 0 ? count : `${await textOf(name, answer)}\n\n${count}` }
}

/** Anew with each change, on a terminal also now and then, until the operator leaves; with `--json` one object a line. */
async function keepShowing(access: Access, options: StatusOptions): Promise<undefined> {
  return await untilLeft(async left => {
    const changes = await access.changes(left)
    const drawing = new Drawing()
    for (let wait = options.wait; ; wait = 0) {
      const { answer, text } = await ask(access, options, wait)
      if (options.json) print(options, answer, text)
      else drawing.show(text)
      // The ages of reports grow without any news.
      await changes.next(!options.json && drawing.isInPlace ? agesMs : undefined)
      if (left.aborted) return undefined
    }
  })
}
