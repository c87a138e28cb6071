/** `thymesh build` and `thymesh diff`: what a deploy would bring, without a release. */

import { resolve } from 'node:path'
import type { z } from 'zod'
import type { comparedSchema } from '../../api/schemas/project-orders.ts'
import { size, table } from '../../format/table.ts'
import { withAccess } from '../shell/access.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface BuildOptions extends ProjectOptions {
  configs: string[]
}

export async function build(options: BuildOptions): Promise<undefined> {
  return await withAccess(options, async access => {
    const done = await access.orderAnywhere('build', { project: resolve(options.project), configs: options.configs })
    if (done === undefined) return undefined
    const rows = done.configs.map(({ config, topLevel, paths, narSize }) => [
      ...[config, topLevel, String(paths)],
      size(narSize),
    ])
    print(options, done, table(['CONFIG', 'TOP LEVEL', 'PATHS', 'SIZE'], rows))
    return undefined
  })
}

export interface DiffOptions extends BuildOptions {
  release?: number
}

type Compared = z.infer<typeof comparedSchema>
type Change = Compared['configs'][number]['added'][number]

export async function diff(options: DiffOptions): Promise<undefined> {
  const { project, configs, release } = options
  return await withAccess(options, async access => {
    const done = await access.order('diff', { project: resolve(project), configs, release })
    if (done === undefined) return undefined
    const gone = done.removed.map(name => `${name}: no device runs it any more`)
    const text = [...devicesText(done), ...done.configs.map(diffText), ...gone].join('\n\n')
    print(options, done, `Against release ${done.release}\n\n${text}`)
    return undefined
  })
}

function devicesText({ devices }: Compared): string[] {
  if (devices.length === 0) return []
  const lines = devices.map(({ device, before, after }) => `  ${device}: ${before ?? 'none'} → ${after ?? 'none'}`)
  return [['Devices that get another config', ...lines].join('\n')]
}

function diffText(diff: Compared['configs'][number]): string {
  const { config, added, removed, changed, rebuilt, bytesBefore, bytesAfter } = diff
  const line = (sign: string, { name, before, after }: Change) =>
    `  ${sign} ${name}  ${[before, after]
      .filter(each => each.length > 0)
      .map(each => each.map(version => version || '-').join(', '))
      .join(' → ')}`
  const lines = [
    ...changed.map(change => line('~', change)),
    ...added.map(change => line('+', change)),
    ...removed.map(change => line('-', change)),
    ...(rebuilt > 0 ? [`  ${rebuilt} ${rebuilt === 1 ? 'path' : 'paths'} rebuilt in the same version`] : []),
  ]
  const difference = bytesAfter - bytesBefore
  const sizes = `${size(bytesBefore)} → ${size(bytesAfter)} (${difference < 0 ? '-' : '+'}${size(Math.abs(difference))})`
  return [`${config}: ${sizes}`, ...(lines.length === 0 ? ['  no change'] : lines)].join('\n')
}
