/** From Debian packages to derivations: one each, packages that depend on each other merged into one. */

import { basename } from 'node:path'
import { controlOf, type DebianPackage } from './apt.ts'

/** The inputs of a derivation. */
export interface Part {
  /** Unique, and fit for a store path's name. */
  readonly name: string
  /** Package files. */
  readonly debs: readonly { readonly file: string; readonly name: string }[]
  /** Names of the parts it depends on. */
  readonly deps: readonly string[]
  /** Changes the part's hash and nothing else. */
  readonly salt: string
}

/** Every script's `#!/bin/sh`, an essential package that nothing declares; as nixpkgs' stdenv, beneath everything. */
const SHELL = 'dash'

/** Parts in an order where dependencies come first, and which part holds which package. */
export async function partsOf(
  packages: readonly DebianPackage[],
  files: ReadonlyMap<string, string>,
): Promise<{ parts: Part[]; partOf: Map<string, string> }> {
  const edges = await dependencies(packages, files)
  const groups = stronglyConnected(edges)
  const versions = new Map(packages.map(({ name, version }) => [name, version]))
  const names = groups.map(group => {
    const first = group.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))[0] ?? ''
    return storeName(`${first}-${versions.get(first)?.replace(/^\d+:/, '')}`)
  })
  const partOf = new Map(groups.flatMap((group, i) => group.map(name => [name, names[i] ?? ''])))
  const parts = groups.map((group, i) => {
    const deps = new Set(group.flatMap(name => [...(edges.get(name) ?? [])].map(dep => partOf.get(dep) ?? '')))
    deps.delete(names[i] ?? '')
    const debs = group.toSorted().map(name => {
      const file = files.get(name) ?? ''
      return { file, name: storeName(basename(file).replace('%3a', '-')) }
    })
    return { name: names[i] ?? '', debs, deps: [...deps].toSorted(), salt: '' }
  })
  return { parts, partOf }
}

/** Package → packages of the set that it depends on. */
async function dependencies(packages: readonly DebianPackage[], files: ReadonlyMap<string, string>) {
  const declared = new Map<string, string[]>()
  const providers = new Map<string, string>()
  for (const { name } of packages) {
    const file = files.get(name)
    if (file === undefined) continue
    const { dependencies: needs, provides } = await controlOf(file)
    declared.set(name, needs)
    for (const virtual of provides) providers.set(virtual, name)
  }
  const edges = new Map<string, Set<string>>()
  for (const [name, needs] of declared) {
    const known = needs.flatMap(need => (declared.has(need) ? need : (providers.get(need) ?? [])))
    edges.set(name, new Set(known.filter(need => need !== name)))
  }
  const beneathShell = reachable(edges, SHELL)
  for (const [name, needs] of edges) {
    if (edges.has(SHELL) && !beneathShell.has(name)) needs.add(SHELL)
  }
  return edges
}

function reachable(edges: ReadonlyMap<string, ReadonlySet<string>>, start: string): Set<string> {
  const seen = new Set([start])
  for (const name of seen) for (const next of edges.get(name) ?? []) seen.add(next)
  return seen
}

/** Tarjan's algorithm (SIAM J. Comput. 1, 1972): components, those that others depend on first. */
export function stronglyConnected(edges: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const onStack = new Set<string>()
  const components: string[][] = []
  const visit = (node: string): void => {
    const own = index.size
    index.set(node, own)
    low.set(node, own)
    stack.push(node)
    onStack.add(node)
    for (const next of edges.get(node) ?? []) {
      if (!index.has(next)) visit(next)
      else if (!onStack.has(next)) continue
      low.set(node, Math.min(low.get(node) ?? own, low.get(next) ?? own))
    }
    if (low.get(node) !== own) return
    const component = stack.splice(stack.indexOf(node))
    for (const member of component) onStack.delete(member)
    components.push(component)
  }
  for (const node of edges.keys()) if (!index.has(node)) visit(node)
  return components
}

/** Debian's versions have characters that store names refuse. */
function storeName(text: string): string {
  return text.replace(/[^0-9a-zA-Z+\-._?=]/g, '_')
}
