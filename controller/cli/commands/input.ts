/** `thymesh input …` and `thymesh update`: the flake inputs that bring modules, packages and device types. */

import { table } from '../../format/table.ts'
import { credentialsOf } from '../../inputs/credentials.ts'
import { describeOptions } from '../../inputs/describe-options.ts'
import { addInput, InputError, inputNames, removeInput } from '../../inputs/flake-text.ts'
import { lockedInputs, lockFile, movedInputs, newLock, parseLock, readLock } from '../../inputs/lock.ts'
import { commitLock, findMoves, flakeText, requireInput } from '../../inputs/move.ts'
import { ProjectEdit } from '../../project/edit.ts'
import { setValue } from '../../project/edit-json.ts'
import { evaluate } from '../../project/modules.ts'
import { problemText } from '../../project/problem.ts'
import { type Project, parseProject, projectFile } from '../../project/project.ts'
import { type ProjectTree, withTree } from '../../project/tree.ts'
import { readProject } from '../shell/edit-project.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'
import { english } from './modules.ts'

interface InputOptions extends ProjectOptions {
  name: string
}

/** The versions that a source offers, or the reason why they are unknown. */
interface Offer {
  readonly name: string
  readonly version: string
  readonly modified: string | null
  readonly offers: Record<string, unknown> | null
  readonly problem: string | null
}

export async function list(options: ProjectOptions): Promise<undefined> {
  const { project } = await readProject(options)
  const names = inputNames(await flakeText(project.directory)).filter(name => name !== 'thymesh')
  const inputs: Offer[] = []
  await withTree(project, async tree => {
    for (const name of names) inputs.push(await offerOf(project, tree, name))
  })
  const rows = inputs.map(({ name, version, modified, offers, problem }) => [
    ...[name, version, modified ?? '-'],
    problem ?? `${count(offers?.modules)} modules, ${count(offers?.deviceTypes)} device types`,
  ])
  const text = rows.length === 0 ? 'No inputs but Thymesh itself. Add one: `thymesh input add NAME URL`.' : undefined
  print(options, { inputs }, text ?? table(['INPUT', 'VERSION', 'OF', 'OFFERS'], rows))
  return undefined
}

export async function show(options: InputOptions): Promise<undefined> {
  const { project } = await readProject(options)
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

/** Each by itself: one that is broken says so, and the others are listed all the same. */
async function offerOf(project: Project, tree: ProjectTree, name: string): Promise<Offer> {
  const locked = lockedInputs(await readLock(await tree.folder())).find(each => each.name === name)
  const base = { name, version: locked?.version ?? '-', modified: locked?.modified ?? null }
  const result = await evaluate(tree, `thymesh.sources.${name}`, await describeOptions(project))
  if ('problem' in result)
    return { ...base, offers: null, problem: `the input ${name} can't be evaluated: ${problemText(result.problem)}` }
  const offers = result.value as Record<string, unknown>
  return typeof offers.problem === 'string'
    ? { ...base, offers: null, problem: `the input ${name} can't be used: ${offers.problem}` }
    : { ...base, offers, problem: null }
}

export async function add(options: InputOptions & { url: string; secret?: string }): Promise<undefined> {
  return await changeFlake(options, `Added input ${options.name}`, text => addInput(text, options.name, options.url))
}

export async function remove(options: InputOptions): Promise<undefined> {
  return await changeFlake(options, `Removed input ${options.name}`, text => removeInput(text, options.name))
}

/** Edits flake.nix and locks, in a copy first: the project changes when Nix has accepted all of it. */
async function changeFlake(
  options: InputOptions & { secret?: string },
  what: string,
  change: (text: string) => string,
): Promise<undefined> {
  const { project, describe } = await readProject(options)
  const edit = new ProjectEdit(project.directory)
  const flake = change((await edit.read('flake.nix')) ?? '')
  await edit.write('flake.nix', flake)
  if (options.secret !== undefined) {
    const text = setValue((await edit.read(projectFile)) ?? '', ['inputs', options.name], { secret: options.secret })
    parseProject(text, projectFile)
    await edit.write(projectFile, text)
  }
  const secrets = { ...project.inputs, ...(options.secret && { [options.name]: { secret: options.secret } }) }
  const credentials = await credentialsOf(project, secrets)
  const before = await edit.read(lockFile)
  const lock = await withTree(
    project,
    async tree => await newLock(await tree.folder(), { names: 'missing', credentials, store: describe.store }),
    { changed: { 'flake.nix': flake } },
  )
  if (lock !== undefined) await edit.write(lockFile, lock)
  const written = await edit.apply(describe)
  const moved = movedInputs(parseLock(before), parseLock(lock))
  print(options, { written, moved }, `${what}: ${written.join(', ')}`)
  return undefined
}

export async function update(
  options: ProjectOptions & { names: string[]; commit?: string | boolean },
): Promise<undefined> {
  const { project, describe } = await readProject(options)
  const edit = new ProjectEdit(project.directory)
  await edit.read(lockFile)
  const { text, moved } = await withTree(project, tree => findMoves(project, tree, options.names, describe.store))
  if (moved.length > 0) {
    await edit.write(lockFile, text)
    await edit.save()
  }
  if (moved.length > 0 && options.commit !== undefined && options.commit !== false) {
    await commitLock(project.directory, moved, options.commit === true ? undefined : options.commit)
  }
  const lines = moved.map(({ name, from, to }) => `${name}: ${from ?? 'new'} → ${to ?? 'removed'}`)
  print(options, { moved }, lines.length === 0 ? 'All inputs are at their newest.' : lines.join('\n'))
  return undefined
}

function count(value: unknown): number {
  return Array.isArray(value) ? value.length : 0
}
