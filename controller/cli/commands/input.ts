/** `thymesh input …` and `thymesh update`: the flake inputs that bring modules, packages and device types. */

import { resolve } from 'node:path'
import { table } from '../../format/table.ts'
import { InputError } from '../../inputs/flake-text.ts'
import { flakeText, requireInput } from '../../inputs/move.ts'
import { readProject } from '../../inputs/read-project.ts'
import { withTree } from '../../project/tree.ts'
import { offerOf, queryInputs } from '../../queries/sources.ts'
import { withAccess } from '../shell/access.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'
import { english } from './modules.ts'

interface InputOptions extends ProjectOptions {
  name: string
}

export async function list(options: ProjectOptions): Promise<undefined> {
  const { inputs } = await queryInputs({ directory: options.project })
  const rows = inputs.map(({ name, version, modified, offers, problem }) => [
    ...[name, version, modified ?? '-'],
    problem ?? `${count(offers?.modules)} modules, ${count(offers?.deviceTypes)} device types`,
  ])
  const text = rows.length === 0 ? 'No inputs but Thymesh itself. Add one: `thymesh input add NAME URL`.' : undefined
  print(options, { inputs }, text ?? table(['INPUT', 'VERSION', 'OF', 'OFFERS'], rows))
  return undefined
}

export async function show(options: InputOptions): Promise<undefined> {
  const { project } = await readProject(options.project)
  requireInput(await flakeText(project.directory), options.name)
  const offer = await withTree(project, tree => offerOf(project, tree, options.name))
  if (offer.problem !== null) {
    throw new InputError('input-failed', offer.problem, {
      hint: 'Fix it in the repository of the input, or remove the input.',
    })
  }
  const names = (value: unknown) => (Array.isArray(value) && value.length > 0 ? value.join(', ') : 'none')
  const packages = Object.entries((offer.offers?.packages ?? {}) as Record<string, unknown>)
  const text = [
    `${offer.name}: ${english(offer.offers?.displayName) || offer.name} (${offer.version})`,
    `  modules       ${names(offer.offers?.modules)}`,
    `  device types  ${names(offer.offers?.deviceTypes)}`,
    ...packages.map(([system, list]) => `  packages      ${system}: ${names(list)}`),
  ]
  print(options, offer, text.join('\n'))
  return undefined
}

export async function add(options: InputOptions & { url: string; secret?: string }): Promise<undefined> {
  const { name, url, secret } = options
  return await withAccess(options, async access => {
    const done = await access.orderAnywhere('add-input', { project: resolve(options.project), name, url, secret })
    if (done !== undefined) print(options, done, `Added input ${name}: ${done.written.join(', ')}`)
    return undefined
  })
}

export async function remove(options: InputOptions): Promise<undefined> {
  const { name } = options
  return await withAccess(options, async access => {
    const done = await access.orderAnywhere('remove-input', { project: resolve(options.project), name })
    if (done !== undefined) print(options, done, `Removed input ${name}: ${done.written.join(', ')}`)
    return undefined
  })
}

export async function update(
  options: ProjectOptions & { names: string[]; commit?: string | boolean },
): Promise<undefined> {
  const { names, commit = false } = options
  return await withAccess(options, async access => {
    const done = await access.orderAnywhere('update', { project: resolve(options.project), names, commit })
    if (done === undefined) return undefined
    const lines = done.moved.map(({ name, from, to }) => `${name}: ${from ?? 'new'} → ${to ?? 'removed'}`)
    print(options, done, lines.length === 0 ? 'All inputs are at their newest.' : lines.join('\n'))
    return undefined
  })
}

function count(value: unknown): number {
  return Array.isArray(value) ? value.length : 0
}
