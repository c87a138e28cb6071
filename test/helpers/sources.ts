/** The project's sources as the house rules see them: which files there are, what they import, what they export. */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** All sources of the repository, committed or not, from its root. */
export const sources: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter(file => /\.(?:ts|svelte)$/.test(file) && existsSync(join(root, file)))

/** Sources of the program itself: neither tests nor scripts. */
export const product: readonly string[] = sources.filter(
  file => /^(?:protocol|node|controller)\//.test(file) && !file.endsWith('.test.ts'),
)

const texts = new Map<string, string>()

export function textOf(file: string): string {
  const text = texts.get(file) ?? readFileSync(join(root, file), 'utf8')
  texts.set(file, text)
  return text
}

export interface Import {
  readonly target: string
  /** Its name there; `*` for all of it. */
  readonly name: string
}

const statement = /^ *(?:import|export)\s+(?:type\s+)?(?:(\{[^}]*\})|[^'"]+?)\s+from\s+'(\.[^']+)'/gm
const dynamic = /(?:(?:const|let)\s+(\{[^}]*\})\s*=\s*await\s+)?\bimport\(\s*'(\.[^']+)'\s*\)/g

/** A source's imports from the project, types and dynamic imports included; `*` also for unknown ones. */
export function importsOf(file: string): Import[] {
  return [statement, dynamic].flatMap(pattern =>
    [...textOf(file).matchAll(pattern)].flatMap(([, names, specifier = '']) => {
      const target = relative(root, resolve(root, dirname(file), specifier.replace(/\?.*$/, '')))
      const called = names?.slice(1, -1).split(',').map(nameIn).filter(Boolean) ?? ['*']
      return called.map(name => ({ target, name }))
    }),
  )
}

/** Of `type A as B`, `A as B` and `A: B` that is A. */
function nameIn(text: string): string {
  return /^\s*(?:type\s+)?(\w+)/.exec(text)?.[1] ?? ''
}

export interface Export {
  readonly name: string
  /** Types and errors belong to the signatures of what throws and takes them. */
  readonly kind: 'value' | 'type' | 'error'
  /** Whether the file itself mentions it once more. */
  readonly usedHere: boolean
}

const declaration =
  /^export\s+(?:abstract\s+)?(async\s+function\*?|function\*?|const|class|interface|type)\s+(\w+)(.*)/gm

export function exportsOf(file: string): Export[] {
  const text = textOf(file)
  return [...text.matchAll(declaration)].map(([, keyword = '', name = '', rest = '']) => {
    const isError = keyword === 'class' && /^\s+extends\s+\w*Error\b/.test(rest)
    const kind = isError ? 'error' : /^(?:interface|type)$/.test(keyword) ? 'type' : 'value'
    return { name, kind, usedHere: [...text.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length > 1 }
  })
}

/** Circles of a graph, each as the nodes that reach each other (Tarjan's strongly connected components). */
export function circlesOf(nodes: readonly string[], next: (node: string) => readonly string[]): string[][] {
  const found = new Map<string, number>()
  const lowest = new Map<string, number>()
  const stack: string[] = []
  const circles: string[][] = []
  const visit = (node: string) => {
    found.set(node, found.size)
    lowest.set(node, found.get(node) ?? 0)
    stack.push(node)
    for (const other of next(node)) {
      if (!found.has(other)) visit(other)
      if (stack.includes(other)) lowest.set(node, Math.min(lowest.get(node) ?? 0, lowest.get(other) ?? 0))
    }
    if (lowest.get(node) !== found.get(node)) return
    const circle = stack.splice(stack.indexOf(node))
    if (circle.length > 1) circles.push(circle.sort())
  }
  for (const node of nodes) if (!found.has(node)) visit(node)
  return circles
}
