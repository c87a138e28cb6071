/** `thymesh check`: reports every problem of the project. */

import { resolve } from 'node:path'
import { problemText } from '../../project/problem.ts'
import { withAccess } from '../shell/access.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

export interface CheckOptions extends ProjectOptions {
  timeout: number
}

export async function check(options: CheckOptions): Promise<number> {
  return await withAccess(options, async access => {
    const { timeout } = options
    const found = await access.orderAnywhere('check', { project: resolve(options.project), timeout })
    if (found === undefined) return exitCodes.done
    const { ok, problems, unbuildable, builtOnDevices, ...counts } = found
    const words = Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${count} ${count === 1 ? what.slice(0, -1) : what}`)
    const summary = ok
      ? `The project is right: ${words.join(', ')}.`
      : `${problems.length === 1 ? 'One problem' : `${problems.length} problems`}; nothing was written.`
    const lines = problems.map(({ line, column, key, ...about }) => {
      const at = line === null || column === null ? undefined : { line, column }
      return problemText({ ...about, at, key: key ?? '' })
    })
    const elsewhere = [
      ...unbuildable.map(
        ({ config, system, hint }) => `configs/${config}.json: nothing here builds ${system}. ${hint}`,
      ),
      ...builtOnDevices.map(
        ({ config, system, devices }) => `configs/${config}.json: ${buildersText(system, devices)}`,
      ),
    ]
    print(options, found, [...lines, ...elsewhere, summary].join('\n'))
    return ok ? exitCodes.done : exitCodes.failed
  })
}

function buildersText(system: string, devices: readonly string[]): string {
  const others = devices.length > 1 ? `, or ${devices.slice(1, 6).join(' or ')}` : ''
  return `nothing here builds ${system}: ${devices[0]}${others} builds it, if it's in reach and you are granted it.`
}
