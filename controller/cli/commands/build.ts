/** `thymesh build` and `thymesh diff`: what a deploy would bring, without a release. */

import { HintedError } from '../../../protocol/errors.ts'
import { buildConfigs } from '../../build/build-configs.ts'
import { buildProgress } from '../../build/progress.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import { size, table } from '../../format/table.ts'
import { describeOptions } from '../../inputs/describe-options.ts'
import { type ClosureDiff, diffClosures, type PackageChange, type SizedPath } from '../../nix/closure-diff.ts'
import type { NixActivity } from '../../nix/nix-activity.ts'
import { closurePaths } from '../../nix/nix-closure.ts'
import { requireSound } from '../../project/check.ts'
import { list } from '../../project/problem.ts'
import { openProject, type Project } from '../../project/project.ts'
import { type ProjectTree, withTree } from '../../project/tree.ts'
import { withAccess } from '../shell/access.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'
import { Telling } from '../shell/telling.ts'

export interface BuildOptions extends ProjectOptions {
  configs: string[]
}

interface Built {
  readonly config: string
  readonly topLevel: string
  readonly paths: readonly SizedPath[]
}

export async function build(options: BuildOptions): Promise<undefined> {
  const built = await buildAll(await openProject(options.project), options)
  const json = built.map(({ config, topLevel, paths }) => ({
    config,
    topLevel,
    paths: paths.length,
    narSize: bytes(paths),
  }))
  const rows = json.map(({ config, topLevel, paths, narSize }) => [config, topLevel, String(paths), size(narSize)])
  print(options, { configs: json }, table(['CONFIG', 'TOP LEVEL', 'PATHS', 'SIZE'], rows))
  return undefined
}

/** Builds the project as Git knows it, changes that are not committed included. */
async function buildAll(project: Project, options: BuildOptions): Promise<Built[]> {
  return await withTree(project, tree => buildTree(project, tree, options))
}

async function buildTree(project: Project, tree: ProjectTree, options: BuildOptions): Promise<Built[]> {
  const describe = await describeOptions(project)
  const { store } = describe
  const { fleet } = await requireSound(tree, describe)
  const declared = Object.keys(fleet.configs).sort()
  const unknown = options.configs.find(name => !declared.includes(name))
  if (unknown !== undefined) {
    throw new HintedError('unknown-config', `expected one of the project's configs, got ${unknown}`, {
      hint: `It has ${list(declared)}.`,
    })
  }
  const names = options.configs.length > 0 ? options.configs : declared
  const rootsDirectory = new FleetHome(project.fleet).rootsDirectory('build')
  const telling = new Telling(options)
  const onStart = (name: string) => telling.output(`Building ${name} …`)
  const onActivity = (name: string, activity: NixActivity) => telling.progress(buildProgress(name, activity) ?? null)
  const built = buildConfigs(tree, names, { rootsDirectory, store, onStart, onActivity })
  const topLevels = await built.finally(() => telling.end())
  return await Promise.all(
    names.map(async config => {
      const topLevel = topLevels.get(config) ?? ''
      return { config, topLevel, paths: await closurePaths(topLevel, store) }
    }),
  )
}

export interface DiffOptions extends BuildOptions {
  release?: number
}

export async function diff(options: DiffOptions): Promise<undefined> {
  const project = await openProject(options.project)
  const built = await buildAll(project, options)
  const about = options.release === undefined ? {} : { release: options.release }
  const { release, configs } = await withAccess(
    options,
    async access => await access.ask('released', about, newsSeconds),
  )
  const before = (name: string) => (Object.hasOwn(configs, name) ? (configs[name] ?? []) : [])
  const diffs = built.map(({ config, paths }) => ({ config, ...diffClosures(before(config), paths) }))
  const gone =
    options.configs.length > 0 ? [] : Object.keys(configs).filter(name => !built.some(({ config }) => config === name))
  const text = [...diffs.map(diffText), ...gone.map(name => `${name}: removed`)].join('\n\n')
  print(options, { release, configs: diffs, removed: gone }, `Against release ${release}\n\n${text}`)
  return undefined
}

function diffText({
  config,
  added,
  removed,
  changed,
  rebuilt,
  bytesBefore,
  bytesAfter,
}: ClosureDiff & { config: string }): string {
  const line = (sign: string, { name, before, after }: PackageChange) =>
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

function bytes(paths: readonly SizedPath[]): number {
  return paths.reduce((sum, { narSize }) => sum + narSize, 0)
}
