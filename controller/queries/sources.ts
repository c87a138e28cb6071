/** What the project is made of beside its entries: flake inputs with what they offer, artifacts, and secrets without values. */

import type { z } from 'zod'
import type { artifactsSchema, inputsSchema, Offer, secretsSchema } from '../api/schemas/project.ts'
import { describeOptions } from '../inputs/describe-options.ts'
import { inputNames } from '../inputs/flake-text.ts'
import { lockedInputs, readLock } from '../inputs/lock.ts'
import { flakeText } from '../inputs/move.ts'
import { readProject } from '../inputs/read-project.ts'
import { listArtifacts } from '../project/artifacts.ts'
import { evaluate } from '../project/modules.ts'
import { problemText } from '../project/problem.ts'
import { openProject, type Project } from '../project/project.ts'
import { type ProjectTree, withTree } from '../project/tree.ts'
import { mentionUsers } from '../project/uses.ts'

type In = { readonly directory: string }

export async function queryInputs({ directory }: In): Promise<z.infer<typeof inputsSchema>> {
  const project = await openProject(directory)
  const names = inputNames(await flakeText(project.directory)).filter(name => name !== 'thymesh')
  const inputs: Offer[] = []
  await withTree(project, async tree => {
    for (const name of names) inputs.push(await offerOf(project, tree, name))
  })
  return { inputs }
}

/** Each by itself: one that is broken says so, and the others are listed all the same. */
export async function offerOf(project: Project, tree: ProjectTree, name: string): Promise<Offer> {
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

export async function queryArtifacts({ directory }: In): Promise<z.infer<typeof artifactsSchema>> {
  const { project, files, describe } = await readProject(directory)
  const users = [...(await mentionUsers('artifact', project.directory, files, describe))]
  const artifacts = (await listArtifacts(project.directory)).map(artifact => {
    // A setting may name a file of a folder.
    const own = users.filter(([path]) => `${path}/`.startsWith(`${artifact.path}/`)).map(([, each]) => each)
    const devices = new Set(own.flatMap(each => each.devices))
    return { ...artifact, places: own.flatMap(({ places }) => [...places]), devices: [...devices].sort() }
  })
  return { artifacts }
}

export async function querySecrets({ directory }: In): Promise<z.infer<typeof secretsSchema>> {
  const { project, files, describe } = await readProject(directory)
  const users = await mentionUsers('secret', project.directory, files, describe)
  const secrets = [...files.secrets.values()].flatMap(({ name, content }) => {
    const { places = [], devices = [] } = users.get(name) ?? {}
    return content === undefined ? [] : [{ name, ...content, places: [...places], devices: [...devices] }]
  })
  const operators = Object.entries(project.operators ?? {}).map(([name, { age }]) => ({ name, recipient: age }))
  return { secrets, operators }
}
