/** The benchmark's closures as systems that a device can activate. */

import { createHash } from 'node:crypto'
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { output } from './apt.ts'
import { type BenchClosures, buildClosures, buildDesktop, cache, type UpdateClosures } from './closures.ts'

/** One of the system's parts whose closure, 117 paths and 182 MB, crosses a narrow uplink nine times in minutes. */
const SMALL = 'network-manager-'

export interface System {
  readonly name: string
  readonly topLevel: string
  /** All paths of the closure. */
  readonly paths: readonly string[]
  /** Bytes of all their NARs. */
  readonly narSize: number
}

/** A system and its update. */
export interface UpdateSystems {
  readonly v1: System
  readonly v2: System
  /** Packages that differ between v1 and v2. */
  readonly updated: number
}

export interface Systems extends UpdateSystems {
  readonly rebuilt: System
  readonly small: System
}

/** The files that define the build: while they are unchanged, the last build is valid. */
const recipeFiles = ['apt.ts', 'build-part.sh', 'closures.nix', 'closures.ts', 'graph.ts', 'systems.nix', 'systems.ts']

/** Builds them, or finds them built: asking apt and dpkg about each package again would take a quarter of a minute. */
export function buildSystems(say: (line: string) => void): Promise<Systems> {
  return builtOnce('systems.json', 'packages.json', () => build(say))
}

/** The same of a desktop with a browser. */
export function buildDesktopSystems(say: (line: string) => void): Promise<UpdateSystems> {
  return builtOnce('systems-desktop.json', 'packages-desktop.json', async () => {
    return await updateSystems('desktop-', await buildDesktop(say))
  })
}

async function builtOnce<T extends UpdateSystems>(file: string, packages: string, work: () => Promise<T>): Promise<T> {
  const noted = join(cache, file)
  const key = await keyOf(packages)
  const last = JSON.parse(await readFile(noted, 'utf8').catch(() => '{}'))
  if (last.key === key && (await areBuilt(last.systems))) return last.systems
  const systems = await work()
  await writeFile(noted, JSON.stringify({ key: await keyOf(packages), systems }))
  return systems
}

async function keyOf(packages: string): Promise<string> {
  const how = createHash('sha256')
  for (const name of recipeFiles) how.update(await readFile(join(import.meta.dirname, name)))
  how.update(await readFile(join(cache, packages)).catch(() => ''))
  return how.digest('hex')
}

async function areBuilt(systems: UpdateSystems & Partial<Systems>): Promise<boolean> {
  const { v1, v2, rebuilt, small } = systems
  const tops = [v1, v2, rebuilt, small].flatMap(each => each?.topLevel ?? [])
  return output('nix-store', ['--check-validity', ...tops]).then(
    () => true,
    () => false,
  )
}

async function build(say: (line: string) => void): Promise<Systems> {
  const closures: BenchClosures = await buildClosures(say)
  const packages = join(closures.v1, 'packages')
  const part = (await readdir(packages)).find(name => name.startsWith(SMALL)) ?? ''
  return {
    ...(await updateSystems('', closures)),
    rebuilt: await system('rebuilt', closures.rebuilt),
    small: await system('small', await readlink(join(packages, part))),
  }
}

async function updateSystems(prefix: string, { v1, v2, update }: UpdateClosures): Promise<UpdateSystems> {
  return {
    v1: await system(`${prefix}v1`, v1),
    v2: await system(`${prefix}v2`, v2),
    updated: update.length,
  }
}

/** Paths of `to` that `from` doesn't have. */
export function freshPaths(from: System, to: System): string[] {
  const held = new Set(from.paths)
  return to.paths.filter(path => !held.has(path))
}

async function system(name: string, part: string): Promise<System> {
  const options = ['--option', 'build-users-group', '', '--option', 'sandbox', 'false', '--quiet']
  const expression = join(import.meta.dirname, 'systems.nix')
  const given = ['--argstr', 'name', 'bench', '--argstr', 'parts', JSON.stringify([part])]
  // The link is a GC root.
  const link = ['--out-link', join(cache, `system-${name}`)]
  const topLevel = (await output('nix-build', [expression, ...given, ...options, ...link])).trim()
  const info = ['path-info', '--extra-experimental-features', 'nix-command', '--json', '--recursive', topLevel]
  const infos: { path: string; narSize: number }[] = JSON.parse(await output('nix', info))
  const narSize = infos.reduce((sum, each) => sum + each.narSize, 0)
  return { name, topLevel, paths: infos.map(({ path }) => path), narSize }
}
